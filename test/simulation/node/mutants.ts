/** Bugs of the node and of its epochs, each in a line or two of the compiled code, that the simulator of the whole node must notice. */
import type { Mutation } from '../mutant.ts';
import type { Variant } from './worker.ts';

export interface Mutant {
  /** What is wrong with it. */
  readonly bug: string;
  /** Guards that stand behind one another fall together. */
  readonly mutations: readonly Mutation[];
  readonly variant: Variant;
  readonly reason: RegExp;
}

export const mutants: readonly Mutant[] = [
  {
    bug: 'sends statements that are not synced (W1)',
    mutations: [
      {
        file: 'node/storage/safetyLog.js',
        text: 'this.#options.disk.sync(this.#descriptor);',
        replacement: '',
      },
    ],
    variant: 'usual',
    reason: /restart|said two things|went back/,
  },
  {
    bug: 'goes on with the voters of an epoch that is over',
    mutations: [{ file: 'node/epochs.js', text: 'this.#current = next;', replacement: '' }],
    variant: 'changing',
    reason: /./,
  },
  {
    bug: 'takes the log of an older epoch for that of the new one (V6)',
    mutations: [
      {
        file: 'node/reload.js',
        text: "kind === 'memory' || epoch === voters.epoch",
        replacement: "kind === 'memory' || epoch <= voters.epoch",
      },
      {
        file: 'consensus/recovery.js',
        text: 'placeOf(record).epoch === config.voters.epoch',
        replacement: 'placeOf(record).epoch <= config.voters.epoch',
      },
    ],
    variant: 'changing',
    reason: /./,
  },
  {
    bug: 'stays connected with members that are suspended or removed',
    mutations: [
      {
        file: 'node/admission.js',
        text: "member !== null && (member.status === 'active' || voters.has(name))",
        replacement: 'member !== null',
      },
    ],
    variant: 'changing',
    reason: /is connected with/,
  },
  {
    bug: 'takes a PREPARE and a SKIP of one view for equivocation',
    mutations: [
      {
        file: 'protocol/evidence.js',
        text: "kinds.includes('commit') && kinds.includes('skip')",
        replacement: "kinds.includes('skip')",
      },
    ],
    variant: 'usual',
    reason: /which is honest/,
  },
  {
    bug: 'never begins the epoch that a closing block leads to (V5)',
    mutations: [
      {
        file: 'node/engine.js',
        text: 'if (header.nextVoterSet !== null)',
        replacement: 'if (header.nextVoterSet === 0)',
      },
    ],
    variant: 'changing',
    reason: /./,
  },
  {
    bug: 'lets in nobody whom the genesis does not know',
    mutations: [
      {
        file: 'node/engine.js',
        text: 'if (mayChangeAdmission(entries))',
        replacement: 'if (entries === null)',
      },
    ],
    variant: 'changing',
    reason: /no five new blocks|not everything becomes final|is connected with/,
  },
  {
    bug: 'judges what a voter says in one epoch by what it said in another',
    mutations: [
      {
        file: 'node/equivocation.js',
        text: 'if (epoch !== this.#epoch)\n            this.#views.clear();',
        replacement: '',
      },
      {
        file: 'node/vigilance.js',
        text: 'verifyEvidence(evidence, chainId, scheme).ok',
        replacement: 'true',
      },
    ],
    variant: 'changing',
    reason: /which is honest/,
  },
];
