/** Blocks between the final one and the certified ones: which are known, which must be fetched, and what became final (R6). */
import { headerDigest, ledgerParent, type Block, type Header } from '../protocol/block.ts';
import type { Digest, Verified, View } from '../protocol/brand.ts';
import type { Certificate } from '../protocol/certificate.ts';
import { invariant, present } from '../protocol/invariant.ts';
import { headersPerAnswerMax } from '../protocol/limits.ts';
import { settleMemory } from './memory.ts';
import { change, emit, withEntry, withOnly, type ReplicaState, type Step } from './state.ts';

/** A gap larger than this is closed by the host's loop by height, which brings a certificate for every hundred blocks. */
export const blocksHeldMax = 1_024;

const digests = new WeakMap<Header, Digest>();

/** `headerDigest`, computed once for each header object. */
export function digestOf(block: Block): Digest {
  const known = digests.get(block.header);
  if (known !== undefined) return known;
  const digest = headerDigest(block.header);
  digests.set(block.header, digest);
  return digest;
}

/** Parents and their times as the header checks need them; null while the parent is unknown. */
export function parentPoint(
  state: ReplicaState,
  digest: Digest,
): Pick<Header, 'view' | 'height' | 'timeMs'> | null {
  if (digest === state.final.digest) return state.final;
  const block = state.blocks.get(digest);
  return block === undefined ? null : block.header;
}

/** Unfinalized ancestors of a block, itself included. Unknown ones are not counted: the count only limits our own blocks. */
export function unfinalizedCount(state: ReplicaState, digest: Digest): number {
  return walk(state, digest).blocks.length;
}

interface Walk {
  /** Descending: the named block first. */
  readonly blocks: readonly Block[];
  /** Null if the walk reached the final block. */
  readonly missing: Digest | null;
}

/** From a certified block down by hash links to the final one. */
function walk(state: ReplicaState, from: Digest): Walk {
  const blocks: Block[] = [];
  let digest = from;
  while (digest !== state.final.digest) {
    const block = state.blocks.get(digest) ?? state.candidates.get(digest);
    if (block === undefined) return { blocks, missing: digest };
    if (block.header.height <= state.final.height) return { blocks, missing: null };
    blocks.push(block);
    digest = ledgerParent(block.header);
  }
  return { blocks, missing: null };
}

/** Asks for a certified block that we lack; once for each digest between two ticks. */
export function fetchBlock(step: Step, digest: Digest): Step {
  const { state } = step;
  if (state.fetching.has(digest) || state.blocks.size >= blocksHeldMax) return step;
  const fetching = new Set(state.fetching).add(digest);
  return emit(change(step, { fetching }), {
    kind: 'fetchBlocks',
    digest,
    aboveHeight: state.final.height,
  });
}

/** Keeps what hash links join to a certified block, and asks for the first one that is missing. */
export function linkTo(step: Step, digest: Digest): Step {
  const { blocks, missing } = walk(step.state, digest);
  const isNew = blocks.some((block) => !step.state.blocks.has(digestOf(block)));
  const linked = isNew ? change(step, { blocks: withBlocks(step.state, blocks) }) : step;
  return missing === null ? linked : fetchBlock(linked, missing);
}

function withBlocks(state: ReplicaState, blocks: readonly Block[]): ReplicaState['blocks'] {
  const held = new Map(state.blocks);
  for (const block of blocks) {
    if (held.size >= blocksHeldMax) break;
    held.set(digestOf(block), block);
  }
  return held;
}

/** A block whose certificate we hold, or that we are about to prepare. */
export function keepBlock(step: Step, block: Block): Step {
  const { state } = step;
  if (block.header.view <= state.final.view || state.blocks.has(digestOf(block))) return step;
  return change(step, { blocks: withEntry(state.blocks, digestOf(block), block) });
}

/** Holds a peer's answer until a certificate proves it, in place of the answer before. */
export function keepCandidates(step: Step, blocks: readonly Block[]): Step {
  const above = blocks
    .slice(0, headersPerAnswerMax)
    .filter((block) => block.header.height > step.state.final.height);
  return change(step, { candidates: new Map(above.map((block) => [digestOf(block), block])) });
}

/**
 * R6 (consensus/README.md): the block of a CC and all its ancestors are final, as soon as all of them are known. Of extensions only the
 * certified one is looked at: it names its closing block, which ends the epoch.
 */
export function finalize(step: Step, certificate: Verified<Certificate>): Step {
  const { state } = step;
  if (certificate.view <= state.final.view) return step;
  const digest = present(certificate.digest, 'a CC names a block');
  const { blocks, missing } = walk(state, digest);
  if (missing !== null) return linkTo(keepPending(step, certificate), digest);
  const certified = present(blocks[0], 'a final block above the final view is not the final block');
  const extension = certified.header.extensionOf === null ? null : certified;
  const path = blocks.slice(extension === null ? 0 : 1).toReversed();
  const first = present(path[0], 'V3: an extension is not final without its closing block');
  const last = present(path.at(-1), 'a path has a last block');
  invariant(first.header.parentDigest === state.final.digest, 'R6: a final block extends the final block');
  invariant(first.header.height === state.final.height + 1, 'R6: final heights are contiguous');
  invariant(certified.header.view === certificate.view, 'R6: a CC names the view of its block');
  const committed = emit(step, { kind: 'commitBlocks', blocks: path, extension, certificate });
  return pruned(settleMemory(committed, path), { block: last, certificate });
}

/** A block that was missing may have come. */
export function finalizePending(step: Step): Step {
  const { pendingCommit } = step.state;
  return pendingCommit === null ? step : finalize(step, pendingCommit);
}

function keepPending(step: Step, certificate: Verified<Certificate>): Step {
  const { pendingCommit } = step.state;
  const isHigher = pendingCommit === null || pendingCommit.view < certificate.view;
  return isHigher ? change(step, { pendingCommit: certificate }) : step;
}

/** W9: nothing at or below the final view can still matter, as finality overtook it. */
function pruned(
  step: Step,
  end: { readonly block: Block; readonly certificate: Verified<Certificate> },
): Step {
  const { state } = step;
  const { height, timeMs, nextVoterSet } = end.block.header;
  const { view } = end.certificate;
  const isAbove = (key: View): boolean => key > view;
  const { pendingCommit } = state;
  // V4: an extension above may be certified too, and would make final what is final already.
  const isPending = nextVoterSet === null && pendingCommit !== null && isAbove(pendingCommit.view);
  return change(step, {
    final: { view, height, digest: digestOf(end.block), timeMs, ...end },
    isClosed: nextVoterSet !== null,
    prepared: withOnly(state.prepared, isAbove),
    preparedView: isAbove(state.preparedView) ? state.preparedView : view,
    skipped: withOnly(state.skipped, isAbove),
    pendingCommit: isPending ? pendingCommit : null,
    votes: withOnly(state.votes, isAbove),
    ownCommits: withOnly(state.ownCommits, isAbove),
    blocks: withOnly(state.blocks, (_digest, block) => isAbove(block.header.view)),
    candidates: withOnly(state.candidates, (_digest, block) => block.header.height > height),
    unfinalTicks: 0,
  });
}
