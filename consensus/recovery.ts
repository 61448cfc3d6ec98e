/** W5 (consensus/README.md): the state of a replica from the ledger and the safety log; on a first start both are empty. */
import type { Digest, Verified, View } from '../protocol/brand.ts';
import type { Certificate } from '../protocol/certificate.ts';
import { invariant, unreachable } from '../protocol/invariant.ts';
import { voterSetHash } from '../protocol/member.ts';
import { digestOf } from './chain.ts';
import { placeOf, type FinalPoint, type SafetyRecord } from './record.ts';
import { memoryOf } from './memory.ts';
import { markAfter, nothingSigned } from './safety.ts';
import {
  freshRound,
  viewAfter,
  withEntry,
  type Final,
  type ReplicaConfig,
  type ReplicaState,
  type Round,
  type SigningMark,
} from './state.ts';

/**
 * The view is the highest of: above the final one, any recorded vote or proposal, above any recorded certificate or
 * COMMIT of this epoch. Records at or below the final view only count for what was signed. The host then sends `started`.
 */
export function recover(
  config: ReplicaConfig,
  final: FinalPoint,
  records: readonly SafetyRecord[],
): ReplicaState {
  // V6: what was said in another epoch says nothing in this one, where the views begin anew.
  const own = records.filter((record) => placeOf(record).epoch === config.voters.epoch);
  const point = finalOf(config, final, own);
  const view = own.reduce<View>(viewWith, viewAfter(point.view));
  const signed = own.reduce(markWith, nothingSigned);
  const memory = memoryOf(records, config.voters.epoch);
  const state = own.reduce(withRecord, emptyState({ config, final: point, view, signed, memory }));
  invariant(state.view > state.final.view, 'W5: the view is above the final one');
  invariant(state.signed.view <= state.view, 'W5: nothing was signed in a view that was not entered');
  return state;
}

function finalOf(
  config: ReplicaConfig,
  { block, certificate }: FinalPoint,
  records: readonly SafetyRecord[],
): Final {
  const digest: Digest = block === null ? config.start.digest : digestOf(block);
  if (block === null || digest === config.start.digest) {
    const { height, timeMs } = config.start;
    return { view: 0 as View, height, timeMs, digest, block: null, certificate: null };
  }
  const { epoch, view, height, timeMs, nextVoterSet } = block.header;
  invariant(
    epoch === config.voters.epoch,
    'V4: the last block of the ledger is of the epoch, or the one it starts on',
  );
  invariant(nextVoterSet === null, 'V4: after its closing block an epoch is over');
  const point = { view, height, timeMs, digest, block };
  if (certificate === null) return { ...point, certificate: recordedCertificate(records, digest) };
  invariant(certificate.kind === 'commit', 'W4: the ledger keeps the CC of its last block');
  invariant(certificate.digest === digest, 'W4: the CC is of the last block');
  // It was verified before it was written, and the ledger is the truth.
  return { ...point, certificate: certificate as Verified<Certificate> };
}

/** PC or CC from the log, of a block that was written before the descendant that made it final. */
function recordedCertificate(records: readonly SafetyRecord[], digest: Digest): Verified<Certificate> | null {
  const found = records.find(
    (record) => record.kind === 'certificate' && record.certificate.digest === digest,
  );
  return found?.kind === 'certificate' ? found.certificate : null;
}

function viewWith(view: View, record: SafetyRecord): View {
  return Math.max(view, viewOf(record)) as View;
}

function viewOf(record: SafetyRecord): View {
  switch (record.kind) {
    case 'vote':
      return record.vote.kind === 'commit' ? viewAfter(record.vote.view) : record.vote.view;
    case 'proposal':
      return record.proposal.block.header.view;
    case 'certificate':
      return viewAfter(record.certificate.view);
    case 'block':
      return record.block.header.view;
    // The view that memory came back for is entered like any other, by its certificates.
    case 'memory':
      return 0 as View;
    default:
      return unreachable(record);
  }
}

function markWith(mark: SigningMark, record: SafetyRecord): SigningMark {
  if (record.kind === 'vote') return markAfter(mark, record.vote.view, record.vote.kind);
  if (record.kind === 'proposal') return markAfter(mark, record.proposal.block.header.view, 'propose');
  return mark;
}

function emptyState(
  start: Pick<ReplicaState, 'config' | 'final' | 'view' | 'signed' | 'memory'>,
): ReplicaState {
  const { config, final, view } = start;
  return {
    ...start,
    voterSetHash: voterSetHash(config.voters),
    round: freshRound,
    isClosed: false,
    prepared: new Map(),
    preparedView: final.view,
    skipped: new Map(),
    pendingCommit: null,
    votes: new Map(),
    proposals: new Map(),
    blocks: new Map(),
    candidates: new Map(),
    fetching: new Set(),
    ownCommits: new Map(),
    hasWork: false,
    isHeartbeatDue: false,
    tick: 0,
    viewAtTick: view,
    finalViewAtTick: final.view,
    enteredAtTick: 0,
    unfinalTicks: 0,
    heard: config.voters.voters.map(() => ({ tick: 0, view })),
  };
}

function withRecord(state: ReplicaState, record: SafetyRecord): ReplicaState {
  switch (record.kind) {
    case 'vote':
      return withVoteRecord(state, record);
    case 'proposal':
      return withProposalRecord(state, record);
    case 'certificate':
      return withCertificateRecord(state, record.certificate);
    case 'block': {
      const { block } = record;
      if (block.header.view <= state.final.view) return state;
      return { ...state, blocks: withEntry(state.blocks, digestOf(block), block) };
    }
    case 'memory':
      return state;
    default:
      return unreachable(record);
  }
}

function withVoteRecord(
  state: ReplicaState,
  { vote }: Extract<SafetyRecord, { kind: 'vote' }>,
): ReplicaState {
  if (vote.kind === 'commit') {
    if (vote.view <= state.final.view) return state;
    return { ...state, ownCommits: withEntry(state.ownCommits, vote.view, vote) };
  }
  if (vote.view !== state.view) return state;
  const own: Partial<Round> = vote.kind === 'skip' ? { ownSkip: vote } : { ownPrepare: vote };
  return { ...state, round: { ...state.round, ...own } };
}

/** Our own proposal was checked when we made it, by the same rules; here it only has to be found again. */
function withProposalRecord(
  state: ReplicaState,
  { proposal }: Extract<SafetyRecord, { kind: 'proposal' }>,
): ReplicaState {
  const { view } = proposal.block.header;
  if (view !== state.view) return state;
  const held = { proposal, digest: digestOf(proposal.block), isWellFormed: true };
  return {
    ...state,
    proposals: withEntry(state.proposals, view, held),
    round: { ...state.round, ownProposal: proposal },
  };
}

function withCertificateRecord(state: ReplicaState, certificate: Verified<Certificate>): ReplicaState {
  const { view, kind } = certificate;
  if (view <= state.final.view) return state;
  if (kind === 'skip') return { ...state, skipped: withEntry(state.skipped, view, certificate) };
  const isCommit = kind === 'commit';
  const pending = state.pendingCommit;
  const isHighest = isCommit && (pending === null || pending.view < view);
  const isKept = isCommit || !state.prepared.has(view);
  return {
    ...state,
    prepared: isKept ? withEntry(state.prepared, view, certificate) : state.prepared,
    preparedView: view > state.preparedView ? view : state.preparedView,
    pendingCommit: isHighest ? certificate : pending,
  };
}
