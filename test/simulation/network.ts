/** The simulated network: loss, delay, reordering, duplicates and cuts until it is healed; then only short delays. */
import type { Random } from '../../devnet/generator/random.ts';
import { later, type Instance, type Machine, type Wire, type World } from './world.ts';

/** Every instance of the receiver gets it: twins share an address as they share a key. */
export function send(
  world: World,
  { from, to }: { readonly from: Instance; readonly to: Machine },
  wire: Wire,
): void {
  if (isLost(world, { from, to }, wire)) return;
  const arrive = (): void => {
    for (const instance of to.instances) {
      if (instance.isAlive) world.receive({ to: instance, from: from.machine, wire });
    }
  };
  const delayMs = delayOf(world);
  later(world, delayMs, arrive);
  const isTwice = !world.isHealed && world.random.chance(world.plan.duplicateRate);
  if (isTwice) later(world, delayMs + world.random.below(300), arrive);
}

function isLost(
  world: World,
  { from, to }: { readonly from: Instance; readonly to: Machine },
  wire: Wire,
): boolean {
  if (world.isHealed) return false;
  if (world.plan.isLosingProposals && (to.index === 0 || wire.kind === 'proposal')) return true;
  if (world.isCut(from.machine.index, to.index)) return true;
  if (isWithheldByTwin(world, from, to)) return true;
  const { commitLossRate } = world.plan;
  if (commitLossRate > 0 && isCommit(wire) && world.random.chance(commitLossRate)) return true;
  return wire.kind !== 'batches' && world.random.chance(world.plan.lossRate);
}

function isCommit(wire: Wire): boolean {
  if (wire.kind === 'vote') return wire.vote.kind === 'commit';
  return wire.kind === 'certificate' && wire.certificate.kind === 'commit';
}

/** Twins speak to different halves most of the time, which is how one key tells two stories. */
function isWithheldByTwin(world: World, from: Instance, to: Machine): boolean {
  const isTwin = from.machine.instances.length > 1;
  return isTwin && (to.index + from.ordinal + from.state.view) % 2 === 0 && world.random.chance(0.6);
}

function delayOf(world: World): number {
  const { deltaMs, slowRate } = world.plan;
  const delayMs = 1 + world.random.below(deltaMs / 2);
  if (world.isHealed || !world.random.chance(slowRate)) return delayMs;
  return delayMs + world.random.below(10 * deltaMs);
}

/** Two or three groups, one machine cut off, one-way cuts, or none. */
export function drawCuts(random: Random, count: number): World['isCut'] {
  const shape = random.below(6);
  if (shape === 0) return () => false;
  if (shape === 1) {
    const alone = random.below(count);
    return (from, to) => from === alone || to === alone;
  }
  if (shape === 2) {
    const cuts = new Set<string>();
    for (let index = 0; index < count; index += 1) cuts.add(`${random.below(count)} ${random.below(count)}`);
    return (from, to) => cuts.has(`${from} ${to}`);
  }
  const groupCount = shape === 3 ? 3 : 2;
  const groups = Array.from({ length: count }, () => random.below(groupCount));
  return (from: number, to: number) => groups[from] !== groups[to];
}
