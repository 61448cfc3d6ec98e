/** The ledger side of the simulated host: building, executing and writing blocks, batches being there or not yet. */
import type { Effect } from '../../consensus/effect.ts';
import type { Verdict } from '../../consensus/event.ts';
import { digestOf } from '../../consensus/chain.ts';
import { ledgerParent, type Block } from '../../protocol/block.ts';
import type { Digest } from '../../protocol/brand.ts';
import { voterSetHash, type VoterSet } from '../../protocol/member.ts';
import { check, viewOfRecord } from './checks.ts';
import { epochOfRecord, stateAfter, type LedgerState } from './epochs.ts';
import { chainId, draftBlock, rootAfter } from './model.ts';
import { askForBatches } from './sync.ts';
import { epochOf, later, type Instance, type FinalEntry, type World } from './world.ts';

const batchesInBlockMax = 16;
const clockSkewMsMax = 2_000;
const timeoutMsMax = 10_000;

type BlockRequest = Extract<Effect, { readonly kind: 'requestBlock' }>;

/** Null while the parent is not executed here, or when a block with batches was asked for and there are none (any more). */
export function buildBlock(world: World, instance: Instance, request: BlockRequest): Block | null {
  const { parent, view, isEmpty, extensionOf } = request;
  const before = stateOf(world, instance, parent.digest);
  const { config } = instance.state;
  if (before === null || config.own === null) return null;
  const used = batchesUpTo(instance, parent.digest);
  const batchDigests = isEmpty ? [] : firstUnused(instance, used);
  if (!isEmpty && batchDigests.length === 0 && before.pending === null) return null;
  const parentBlock = world.checks.blockOf(parent.digest);
  const parentTimeMs = parentBlock === null ? 0 : parentBlock.header.timeMs;
  return draftBlock({
    view,
    proposer: config.own,
    parent,
    timeMs: Math.max(parentTimeMs + 1, world.nowMs + instance.machine.clockSkewMs),
    batchDigests,
    stateRoot: rootAfter(before.root, batchDigests),
    voters: config.voters,
    nextVoterSet: extensionOf === null ? before.pending : null,
    extensionOf,
  });
}

function firstUnused({ disk }: Instance, used: ReadonlySet<Digest>): readonly Digest[] {
  const found: Digest[] = [];
  for (const digest of disk.open) {
    if (found.length === batchesInBlockMax) break;
    if (!used.has(digest)) found.push(digest);
  }
  return found;
}

/** The host's whole check: clock window, batches new and held, state root by own execution. */
export function judgeBlock(
  world: World,
  instance: Instance,
  block: Block,
): { readonly digest: Digest; readonly verdict: Verdict } {
  const digest = digestOf(block);
  const { timeMs, parentDigest, stateRoot, extensionOf, nextVoterSet } = block.header;
  const clockMs = world.nowMs + instance.machine.clockSkewMs;
  if (timeMs > clockMs + clockSkewMsMax) return { digest, verdict: 'invalid' };
  if (timeMs < clockMs - clockSkewMsMax - timeoutMsMax) return { digest, verdict: 'invalid' };
  const used = batchesUpTo(instance, parentDigest);
  const { included } = instance.disk;
  if (block.batchDigests.some((batch) => used.has(batch) || included.has(batch)))
    return { digest, verdict: 'invalid' };
  const after = execute(world, instance, block);
  if (after === null) return { digest, verdict: 'unavailable' };
  const before = stateOf(world, instance, ledgerParent(block.header));
  const waiting = extensionOf === null ? (before?.pending ?? null) : null;
  const isSameSet =
    nextVoterSet === null || waiting === null ? nextVoterSet === waiting : isSame(nextVoterSet, waiting);
  return { digest, verdict: after.root === stateRoot && isSameSet ? 'valid' : 'invalid' };
}

function isSame(a: VoterSet, b: VoterSet): boolean {
  return voterSetHash(a) === voterSetHash(b);
}

/** State after the block by our own execution; null while a batch or an ancestor is missing. */
function execute(world: World, instance: Instance, block: Block): LedgerState | null {
  const missing = block.batchDigests.filter((batch) => !instance.disk.batches.has(batch));
  if (missing.length > 0) {
    askForBatches(world, instance, missing);
    return null;
  }
  const before = stateOf(world, instance, ledgerParent(block.header));
  if (before === null) return null;
  const after = stateAfter(before, block, world.decisions);
  instance.executed.set(digestOf(block), after);
  return after;
}

function stateOf(world: World, instance: Instance, digest: Digest): LedgerState | null {
  const last = instance.disk.ledger.at(-1);
  const lastDigest = last === undefined ? chainId : digestOf(last.block);
  if (digest === lastDigest) return instance.disk.state;
  const known = instance.executed.get(digest);
  if (known !== undefined) return known;
  const block = unwritten(instance, digest);
  return block === null ? null : execute(world, instance, block);
}

function unwritten(instance: Instance, digest: Digest): Block | null {
  const held = instance.state.blocks.get(digest);
  if (held !== undefined) return held;
  const queued = instance.commitQueue.find(({ block }) => digestOf(block) === digest);
  return queued?.block ?? null;
}

/** Batches in the chain up to a block that are not in the ledger yet. */
function batchesUpTo(instance: Instance, digest: Digest): ReadonlySet<Digest> {
  const used = new Set<Digest>();
  for (const { block } of instance.commitQueue) for (const batch of block.batchDigests) used.add(batch);
  let block = instance.state.blocks.get(digest);
  while (block !== undefined) {
    for (const batch of block.batchDigests) used.add(batch);
    block = instance.state.blocks.get(ledgerParent(block.header));
  }
  return used;
}

function newestPrepared({ state }: Instance): Digest {
  return state.prepared.get(state.preparedView)?.digest ?? state.final.digest;
}

export function workKeyOf(instance: Instance): string {
  const { state, disk } = instance;
  return `${newestPrepared(instance)} ${disk.open.size} ${disk.batches.size} ${state.final.height} ${state.blocks.size}`;
}

/** §4: a batch is held that is not in the chain up to the newest prepared block, or voters wait there. */
export function hasWork(world: World, instance: Instance): boolean {
  if ((stateOf(world, instance, newestPrepared(instance)) ?? instance.disk.state).pending !== null)
    return true;
  if (instance.disk.open.size === 0) return false;
  const used = batchesUpTo(instance, newestPrepared(instance));
  for (const batch of instance.disk.open) if (!used.has(batch)) return true;
  return false;
}

/** W4: a final block is written as a whole, in order, once its batches are here and executed. */
export function applyCommits(world: World, instance: Instance): void {
  if (instance.isApplying) return;
  for (let entry = instance.commitQueue[0]; entry !== undefined; entry = instance.commitQueue[0]) {
    if (!write(world, instance, entry)) return retry(world, instance);
    instance.commitQueue.shift();
  }
}

function retry(world: World, instance: Instance): void {
  instance.isApplying = true;
  later(world, 100, () => {
    if (!instance.isAlive) return;
    instance.isApplying = false;
    applyCommits(world, instance);
    world.handle(instance, { kind: 'workChanged', hasWork: hasWork(world, instance) });
  });
}

function write(world: World, instance: Instance, entry: FinalEntry): boolean {
  const { disk, machine } = instance;
  const { block } = entry;
  const after = execute(world, instance, block);
  if (after === null) return false;
  if (machine.isHonest) {
    const last = disk.ledger.at(-1)?.block.header ?? { height: 0, timeMs: 0 };
    check(block.header.height === last.height + 1, 'heights of the ledger are not contiguous');
    check(block.header.timeMs > last.timeMs, 'block time does not rise');
    check(after.root === block.header.stateRoot, `another state root at height ${block.header.height}`);
    const isTwice = block.batchDigests.some((batch) => disk.included.has(batch));
    check(!isTwice, 'a batch is executed twice');
    world.checks.onFinal(block);
  }
  disk.ledger.push(entry);
  disk.state = after;
  for (const batch of block.batchDigests) {
    disk.included.add(batch);
    disk.open.delete(batch);
  }
  // W9: prune only below the final view.
  const { view, epoch, nextVoterSet } = block.header;
  if (entry.certificate !== null) {
    // What other epochs left in the log stays: it must never be taken for anything of this one (V6).
    disk.records = disk.records.filter(
      (record) => record.kind === 'memory' || epochOfRecord(record) !== epoch || viewOfRecord(record) > view,
    );
  }
  if (nextVoterSet === null) return true;
  check(!machine.isHonest || epochOf(instance) === epoch, 'another epoch is closed than ours');
  world.closeEpoch(instance);
  return true;
}
