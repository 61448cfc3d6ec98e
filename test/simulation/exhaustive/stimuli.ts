/** What the network could bring to a voter, and what its own timers could. */
import type { ConsensusEvent } from '../../../consensus/event.ts';
import type { Block } from '../../../protocol/block.ts';
import type { Height, MemberName, Timestamp, View, VoterIndex } from '../../../protocol/brand.ts';
import { signVote } from '../model.ts';
import { proposalOf, voters, type Universe } from './universe.ts';

interface Stimulus {
  /** The certificates that must exist: a mask. */
  readonly needed: number;
  readonly events: readonly ConsensusEvent[];
}

/** In a view: what could come, and a timer. `reportedView`: where the honest voters say they are. Whatever does nothing leads back to the same state and is dropped there. */
export function stimuliOf(universe: Universe, current: View, reportedView: View): readonly Stimulus[] {
  const stimuli: Stimulus[] = [
    // The dishonest one says whatever it likes; the honest ones spoke after the loss, and their word may have been long on its way.
    { needed: 0, events: [reportOf(0, 1 as View)] },
    { needed: 0, events: [0, 2, 3].map((voter) => reportOf(voter, reportedView)) },
  ];
  for (const [bit, { kind, view, digest, certificate }] of universe.statements.entries()) {
    const needed = 1 << bit;
    stimuli.push({ needed, events: [{ kind: 'certificateReceived', certificate }] });
    const votes = [0, 2, 3].map((voter) =>
      signVote({ kind, epoch: voters.epoch, view, digest }, voter as VoterIndex),
    );
    stimuli.push({ needed, events: votes.map((vote) => ({ kind: 'voteReceived', vote })) });
  }
  for (const block of universe.blocks) {
    if (block.header.view >= current) stimuli.push(...proposalsOf(universe, block));
  }
  if (current <= universe.viewCount) {
    const timeout = { kind: 'view', view: current } as const;
    stimuli.push({ needed: 0, events: [{ kind: 'timeoutElapsed', timeout }] });
  }
  return stimuli;
}

/** With the certificate of the parent, of another block, or of none; with all SCs between, or none of them. */
function proposalsOf(universe: Universe, block: Block): readonly Stimulus[] {
  const { view, parentView, parentDigest } = block.header;
  const bitsOf = (isIn: (statement: Universe['statements'][number]) => boolean): readonly number[] =>
    universe.statements.flatMap((statement, bit) => (isIn(statement) ? [1 << bit] : []));
  const skips = bitsOf((one) => one.kind === 'skip' && one.view > parentView && one.view < view);
  const right = bitsOf((one) => one.kind === 'prepare' && one.digest === parentDigest);
  const wrong = bitsOf((one) => one.kind === 'prepare' && one.view < view && one.digest !== parentDigest);
  const maskOfSkips = skips.reduce((mask, bit) => mask | bit, 0);
  const parents = new Set([0, ...right, ...wrong.slice(0, 1)]);
  const masks = new Set([...parents].flatMap((parent) => [parent, parent | maskOfSkips]));
  return [...masks].map((needed) => {
    const certificates = universe.statements
      .filter((_unused, bit) => (needed & (1 << bit)) !== 0)
      .map(({ certificate }) => certificate);
    return { needed, events: [{ kind: 'proposalReceived', proposal: proposalOf(block, certificates) }] };
  });
}

function reportOf(voter: number, view: View): ConsensusEvent {
  const from = `voter-${voter}` as MemberName;
  const finality = { finalView: 0 as View, finalHeight: 0 as Height, timeMs: 0 as Timestamp };
  return { kind: 'statusReceived', from, status: { epoch: voters.epoch, view, ...finality } };
}
