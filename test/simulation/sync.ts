/** The bulk channel of the simulated host: blocks by digest and by height, batches, and their spreading. */
import { digestOf } from '../../consensus/chain.ts';
import { ledgerParent, type Block } from '../../protocol/block.ts';
import type { Digest } from '../../protocol/brand.ts';
import { hexOf } from './model.ts';
import { send } from './network.ts';
import { later, type Instance, type Machine, type Wire, type World } from './world.ts';

/** Smaller than the real one, so that schedules reach it. */
const blocksInAnswerMax = 20;
const batchesInAnswerMax = 32;

type Reply = (answer: Wire) => void;

/** Two members picked by chance: one of them may be down or dishonest. */
export function askSomebody(world: World, instance: Instance, wire: Wire): void {
  const others = world.machines.filter((machine) => machine !== instance.machine);
  for (let count = 0; count < 2; count += 1)
    send(world, { from: instance, to: world.random.pick(others) }, wire);
}

/** The block and its ancestors, newest first. */
export function answerAncestors(
  instance: Instance,
  wanted: Extract<Wire, { readonly kind: 'ancestorsWanted' }>,
  reply: Reply,
): void {
  const blocks: Block[] = [];
  let block = findBlock(instance, wanted.digest);
  while (block !== null && block.header.height > wanted.aboveHeight && blocks.length < blocksInAnswerMax) {
    blocks.push(block);
    block = findBlock(instance, ledgerParent(block.header));
  }
  if (blocks.length > 0) reply({ kind: 'blocks', blocks, certificate: null });
}

function findBlock(instance: Instance, digest: Digest): Block | null {
  const held = instance.state.blocks.get(digest);
  if (held !== undefined) return held;
  const written = [...instance.commitQueue, ...instance.disk.ledger.toReversed()];
  const blocks = written.flatMap(({ block, extension }) =>
    extension === null ? [block] : [extension, block],
  );
  return blocks.find((block) => digestOf(block) === digest) ?? null;
}

/** Final blocks from a height up, ending with one whose CC is kept. */
export function answerBlocks(instance: Instance, height: number, reply: Reply): void {
  const held = instance.disk.ledger.slice(height - 1, height - 1 + blocksInAnswerMax);
  const closing = held.findIndex(({ block }) => block.header.nextVoterSet !== null);
  const entries = closing < 0 ? held : held.slice(0, closing + 1);
  const last = entries.findLastIndex((entry) => entry.certificate !== null);
  if (last < 0) return;
  const blocks = entries
    .slice(0, last + 1)
    .flatMap(({ block, extension }) => (extension === null ? [block] : [block, extension]));
  reply({ kind: 'blocks', blocks, certificate: entries[last]?.certificate ?? null });
}

export function answerBatches(instance: Instance, digests: readonly Digest[], reply: Reply): void {
  const held = digests.filter((digest) => instance.disk.batches.has(digest));
  if (held.length > 0) reply({ kind: 'batches', digests: held });
}

export function askForBatches(world: World, instance: Instance, digests: readonly Digest[]): void {
  askSomebody(world, instance, { kind: 'batchesWanted', digests });
}

export function onBatches(world: World, instance: Instance, digests: readonly Digest[]): void {
  const { disk, state } = instance;
  for (const digest of digests) {
    disk.batches.add(digest);
    if (!disk.included.has(digest)) disk.open.add(digest);
  }
  world.handle(instance, { kind: 'workChanged', hasWork: state.hasWork });
}

/** An application hands a batch to one machine, which spreads it at once; some copies get lost. */
export function createBatch(world: World, machine: Machine, decision: readonly number[] | null = null): void {
  world.batchCount += 1;
  const digest = hexOf(world.batchCount);
  if (decision !== null) world.decisions.set(digest, decision);
  for (const instance of machine.instances) {
    if (!instance.isAlive) continue;
    onBatches(world, instance, [digest]);
    for (const to of world.machines) {
      const isLost = !world.isHealed && world.random.chance(world.plan.lossRate);
      if (to !== machine && !isLost)
        send(world, { from: instance, to }, { kind: 'batches', digests: [digest] });
    }
  }
}

/** Lanes: every second each machine offers one other what is not final yet. */
export function startSpreading(world: World, machine: Machine): void {
  later(world, 1_000, () => {
    const others = world.machines.filter((other) => other !== machine);
    for (const instance of machine.instances) {
      const digests = [...instance.disk.open].slice(0, batchesInAnswerMax);
      const isOffering = instance.isAlive && digests.length > 0 && (machine.isHonest || !world.isIdle);
      if (isOffering)
        send(world, { from: instance, to: world.random.pick(others) }, { kind: 'batches', digests });
    }
    startSpreading(world, machine);
  });
}
