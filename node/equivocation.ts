/**
 * Finds members that sign what contradicts itself, in what came in verified: two statements of one voter in one view, two batches
 * under one sequence. Each finding becomes evidence once, and is reported until the ledger has it. Our own words are never judged.
 */
import type { Batch } from '../protocol/batch.ts';
import { headerDigest } from '../protocol/block.ts';
import type { Digest, Epoch, MemberName, PublicKey, View, VoterIndex } from '../protocol/brand.ts';
import { votersInBitmap } from '../protocol/certificate.ts';
import {
  batchEvidence,
  evidenceDigest,
  offenceOf,
  statementEvidence,
  type Evidence,
  type Statement,
} from '../protocol/evidence.ts';
import { voterAt, type VoterSet } from '../protocol/member.ts';
import type { Vote } from '../protocol/vote.ts';
import type { VerifiedMessage } from './gate.ts';

/** Views whose statements are remembered: the newest. */
export const watchedViewsMax = 128;
/** Findings that wait for the ledger to have them. */
export const findingsMax = 64;
/** A report's receipt comes within its transaction's time, or never. */
export const reportAgainMs = 600_000;
export const reportRetryMs = 5_000;

export interface EquivocationPorts {
  readonly own: MemberName;
  /** Of the epoch in force. */
  readonly voters: () => VoterSet;
  readonly consensusKeyOf: (member: MemberName) => PublicKey | null;
  /** Both signatures hold. */
  readonly isProof: (evidence: Evidence) => boolean;
  /** The ledger has it already, or would not take it. */
  readonly isIdle: (evidence: Evidence) => boolean;
  /** Into our lane; false if it was not taken. */
  readonly report: (evidence: Evidence) => Promise<boolean>;
  readonly onFound: (member: MemberName) => void;
}

/** What a voter said in a view: the first of each kind. Once it is caught, nothing more is remembered of it there. */
interface Said {
  readonly statements: readonly Statement[];
  readonly isCaught: boolean;
}

interface Finding {
  readonly evidence: Evidence;
  nextAttemptMs: number;
}

type Place = Pick<Vote, 'epoch' | 'view'>;

const silent: Said = { statements: [], isCaught: false };

export class EquivocationWatch {
  readonly #ports: EquivocationPorts;
  readonly #views = new Map<View, Map<VoterIndex, Said>>();
  readonly #found = new Map<Digest, Finding>();
  #epoch: Epoch | null = null;

  constructor(ports: EquivocationPorts) {
    this.#ports = ports;
  }

  /** True iff a vote, if its signature holds, contradicts what its voter said: worth verifying though it may count nowhere. */
  contradicts(vote: Vote): boolean {
    if (vote.epoch !== this.#epoch) return false;
    const { statements, isCaught } = this.#views.get(vote.view)?.get(vote.voter) ?? silent;
    return !isCaught && statements.some((statement) => offenceOf(statement, vote) !== null);
  }

  /** What was verified of the epoch in force. */
  hear(message: VerifiedMessage): void {
    if (message.kind === 'vote') this.#note(message.vote, message.vote.voter, message.vote);
    if (message.kind === 'proposal') {
      const { block, signature } = message.proposal;
      const { header } = block;
      this.#note(header, header.proposer, { kind: 'propose', digest: headerDigest(header), signature });
    }
    if (message.kind === 'certificate') {
      const { certificate } = message;
      const { kind, digest, bitmap, signatures } = certificate;
      const signers = votersInBitmap(bitmap, this.#ports.voters().voters.length) ?? [];
      for (const [index, voter] of signers.entries()) {
        const signature = signatures[index];
        if (signature !== undefined) this.#note(certificate, voter, { kind, digest, signature });
      }
    }
  }

  /** Two verified batches of one member under one sequence. */
  hearBatches(held: Batch, other: Batch): void {
    const { member, sequence } = held;
    const key = this.#ports.consensusKeyOf(member);
    if (member === this.#ports.own || key === null || held.bodyHash === other.bodyHash) return;
    this.#keep(batchEvidence({ key, member, sequence }, bodyOf(held), bodyOf(other)), member);
  }

  /** Reports what the ledger has not got yet. `nowMs` is monotonic. */
  async tick(nowMs: number): Promise<void> {
    for (const [digest, finding] of this.#found) {
      if (this.#ports.isIdle(finding.evidence)) {
        this.#found.delete(digest);
      } else if (nowMs >= finding.nextAttemptMs) {
        finding.nextAttemptMs = nowMs + reportRetryMs;
        if (await this.#ports.report(finding.evidence)) finding.nextAttemptMs = nowMs + reportAgainMs;
      }
    }
  }

  #note(place: Place, voter: VoterIndex, statement: Statement): void {
    const voters = this.#ports.voters();
    const member = voterAt(voters, voter);
    if (place.epoch !== voters.epoch || member === null || member.name === this.#ports.own) return;
    const said = this.#saidIn(place);
    const before = said.get(voter) ?? silent;
    if (before.isCaught) return;
    const { kind, digest, signature } = statement;
    const bare = { kind, digest, signature };
    const rival = before.statements.find((known) => offenceOf(known, statement) !== null);
    if (rival !== undefined) {
      said.set(voter, { ...before, isCaught: true });
      const { epoch, view } = place;
      const key = member.consensusKey;
      this.#keep(statementEvidence({ key, epoch, view }, rival, bare), member.name);
      return;
    }
    if (before.statements.some((known) => known.kind === kind)) return;
    said.set(voter, { ...before, statements: [...before.statements, bare] });
  }

  /** Everything of an epoch that is over is forgotten, and of too many views the lowest. */
  #saidIn({ epoch, view }: Place): Map<VoterIndex, Said> {
    if (epoch !== this.#epoch) this.#views.clear();
    this.#epoch = epoch;
    const known = this.#views.get(view);
    if (known !== undefined) return known;
    const said = new Map<VoterIndex, Said>();
    this.#views.set(view, said);
    if (this.#views.size > watchedViewsMax) this.#views.delete(Math.min(...this.#views.keys()) as View);
    return said;
  }

  /** Never what would not stand: another node would refuse our whole batch for it. */
  #keep(evidence: Evidence, member: MemberName): void {
    if (this.#found.size >= findingsMax || this.#ports.isIdle(evidence)) return;
    if (!this.#ports.isProof(evidence)) return;
    const digest = evidenceDigest(evidence);
    if (this.#found.has(digest)) return;
    this.#found.set(digest, { evidence, nextAttemptMs: 0 });
    this.#ports.onFound(member);
  }
}

function bodyOf({ bodyHash, signature }: Batch): Pick<Batch, 'bodyHash' | 'signature'> {
  return { bodyHash, signature };
}
