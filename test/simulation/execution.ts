/** The ledger side of the simulated host: building, executing and writing blocks, batches being there or not yet. */
import type { Effect } from '../../consensus/effect.ts';
import type { Verdict } from '../../consensus/event.ts';
import type { Block } from '../../protocol/block.ts';
import type { Digest } from '../../protocol/brand.ts';
import { check, viewOfRecord } from './checks.ts';
import { chainId, draftBlock, rootAfter } from './model.ts';
import { askForBatches } from './sync.ts';
import { later, type Instance, type LedgerEntry, type World } from './world.ts';

const batchesInBlockMax = 16;
const clockSkewMsMax = 2_000;
const timeoutMsMax = 10_000;

type BlockRequest = Extract<Effect, { readonly kind: 'requestBlock' }>;

/** Null while the parent is not executed here, or when a block with batches was asked for and there are none (any more). */
export function buildBlock(world: World, instance: Instance, request: BlockRequest): Block | null {
  const { parent, view, isEmpty } = request;
  const parentRoot = rootOf(world, instance, parent.digest);
  if (parentRoot === null) return null;
  const used = batchesUpTo(instance, parent.digest);
  const batchDigests = isEmpty ? [] : firstUnused(instance, used);
  if (!isEmpty && batchDigests.length === 0) return null;
  const parentBlock = world.checks.blockOf(parent.digest);
  const parentTimeMs = parentBlock === null ? 0 : parentBlock.header.timeMs;
  return draftBlock({
    view,
    proposer: instance.machine.index,
    parent,
    timeMs: Math.max(parentTimeMs + 1, world.nowMs + instance.machine.clockSkewMs),
    batchDigests,
    stateRoot: rootAfter(parentRoot, batchDigests),
    voters: world.voters,
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
  const digest = world.checks.digestOf(block);
  const { timeMs, parentDigest, stateRoot } = block.header;
  const clockMs = world.nowMs + instance.machine.clockSkewMs;
  if (timeMs > clockMs + clockSkewMsMax) return { digest, verdict: 'invalid' };
  if (timeMs < clockMs - clockSkewMsMax - timeoutMsMax) return { digest, verdict: 'invalid' };
  const used = batchesUpTo(instance, parentDigest);
  const { included } = instance.disk;
  if (block.batchDigests.some((batch) => used.has(batch) || included.has(batch)))
    return { digest, verdict: 'invalid' };
  const root = execute(world, instance, block);
  if (root === null) return { digest, verdict: 'unavailable' };
  return { digest, verdict: root === stateRoot ? 'valid' : 'invalid' };
}

/** Root after the block by our own execution; null while a batch or an ancestor is missing. */
function execute(world: World, instance: Instance, block: Block): Digest | null {
  const missing = block.batchDigests.filter((batch) => !instance.disk.batches.has(batch));
  if (missing.length > 0) {
    askForBatches(world, instance, missing);
    return null;
  }
  const parentRoot = rootOf(world, instance, block.header.parentDigest);
  if (parentRoot === null) return null;
  const root = rootAfter(parentRoot, block.batchDigests);
  instance.executed.set(world.checks.digestOf(block), root);
  return root;
}

function rootOf(world: World, instance: Instance, digest: Digest): Digest | null {
  const last = instance.disk.ledger.at(-1);
  const lastDigest = last === undefined ? chainId : world.checks.digestOf(last.block);
  if (digest === lastDigest) return instance.disk.root;
  const known = instance.executed.get(digest);
  if (known !== undefined) return known;
  const block = unwritten(world, instance, digest);
  return block === null ? null : execute(world, instance, block);
}

function unwritten(world: World, instance: Instance, digest: Digest): Block | null {
  const held = instance.state.blocks.get(digest);
  if (held !== undefined) return held;
  const queued = instance.commitQueue.find(({ block }) => world.checks.digestOf(block) === digest);
  return queued?.block ?? null;
}

/** Batches in the chain up to a block that are not in the ledger yet. */
function batchesUpTo(instance: Instance, digest: Digest): ReadonlySet<Digest> {
  const used = new Set<Digest>();
  for (const { block } of instance.commitQueue) for (const batch of block.batchDigests) used.add(batch);
  let block = instance.state.blocks.get(digest);
  while (block !== undefined) {
    for (const batch of block.batchDigests) used.add(batch);
    block = instance.state.blocks.get(block.header.parentDigest);
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

/** §4: a batch is held that is not in the chain up to the newest prepared block. */
export function hasWork(instance: Instance): boolean {
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
    world.handle(instance, { kind: 'workChanged', hasWork: hasWork(instance) });
  });
}

function write(world: World, instance: Instance, entry: LedgerEntry): boolean {
  const { disk, machine } = instance;
  const { block } = entry;
  const root = execute(world, instance, block);
  if (root === null) return false;
  if (machine.isHonest) {
    const last = disk.ledger.at(-1)?.block.header ?? { height: 0, timeMs: 0 };
    check(block.header.height === last.height + 1, 'heights of the ledger are not contiguous');
    check(block.header.timeMs > last.timeMs, 'block time does not rise');
    check(root === block.header.stateRoot, `another state root at height ${block.header.height}`);
    const isTwice = block.batchDigests.some((batch) => disk.included.has(batch));
    check(!isTwice, 'a batch is executed twice');
    world.checks.onFinal(block);
  }
  disk.ledger.push(entry);
  disk.root = root;
  for (const batch of block.batchDigests) {
    disk.included.add(batch);
    disk.open.delete(batch);
  }
  // W9: prune only below the final view.
  const { view } = block.header;
  if (entry.certificate !== null) {
    disk.records = disk.records.filter((record) => record.kind === 'memory' || viewOfRecord(record) > view);
  }
  return true;
}
