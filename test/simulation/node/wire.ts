/** One parcel from machine to machine, and what may happen to it on the way. Once the network is healed: short delays, nothing else. */
import type { VoterIndex } from '../../../protocol/brand.ts';
import { decodeMessage } from '../../../protocol/message.ts';
import type { Random } from '../../../devnet/generator/random.ts';
import { later, type Machine, type World } from './world.ts';

type ParcelKind = 'frame' | 'batch' | 'finalized' | 'request' | 'answer';

export interface Parcel {
  readonly from: Machine;
  readonly to: Machine;
  readonly kind: ParcelKind;
  readonly bytes: Uint8Array;
}

type Arrive = (parcel: Parcel) => void;

/** Parcels that may be replayed. */
const rememberedMax = 128;

/** Faults of the network while a schedule lasts: the part of it that changes. */
export interface Weather {
  /** By sender and receiver: a cut may be one-way. */
  isCut: (from: VoterIndex, to: VoterIndex) => boolean;
  /** Extra delay of a link, in ms, by sender and receiver. */
  slowLinkMs: (from: number, to: number) => number;
  /** Frames and gossip of a while ago. */
  readonly remembered: Parcel[];
}

export function fairWeather(): Weather {
  return { isCut: () => false, slowLinkMs: () => 0, remembered: [] };
}

export function deliverWithFaults(world: World, parcel: Parcel, arrive: Arrive): void {
  const { from, to } = parcel;
  const generation = world.links.generation(from, to);
  // A peer that died unnoticed: what is sent to it goes nowhere.
  if (generation === null) return;
  const send = (sent: Parcel, arrivalMs: number): void => {
    world.queue.push(arrivalMs, () => {
      if (world.links.generation(from, to) === generation) arrive(sent);
    });
  };
  const departureMs = Math.max(world.nowMs, from.busyUntilMs);
  if (world.isHealed) {
    send(parcel, world.links.inOrder(from, to, departureMs + healthyDelayMs(world.random)));
    return;
  }
  if (isLost(world, parcel)) return;
  const arrivalMs = departureMs + delayOf(world, parcel);
  const { plan, random, counts } = world;
  if (random.chance(plan.reorderRate)) {
    counts.add('message reordered');
    send(parcel, arrivalMs + random.below(4 * plan.deltaMs));
  } else {
    send(damaged(world, parcel), world.links.inOrder(from, to, arrivalMs));
  }
  if (random.chance(plan.duplicateRate)) {
    counts.add('message duplicated');
    send(parcel, arrivalMs + random.below(300));
  }
  if (parcel.kind === 'frame' || parcel.kind === 'batch') replayAndRemember(world, parcel, arrive);
}

function healthyDelayMs(random: Random): number {
  return 1 + random.below(9);
}

function isLost(world: World, { from, to }: Parcel): boolean {
  const { plan, random, counts, weather } = world;
  if (weather.isCut(from.index, to.index)) {
    counts.add('message cut off by a partition');
    return true;
  }
  if (!random.chance(plan.lossRate)) return false;
  counts.add('message lost');
  return true;
}

function delayOf(world: World, { from, to }: Parcel): number {
  const { plan, random, counts, weather } = world;
  const delayMs = healthyDelayMs(random) + random.below(plan.jitterMs + 1);
  const slowMs = weather.slowLinkMs(from.index, to.index);
  const isDelayed = random.chance(plan.delayRate);
  if (slowMs > 0 || isDelayed) counts.add('message delayed');
  return delayMs + slowMs + (isDelayed ? random.below(10 * plan.deltaMs) : 0);
}

function damaged(world: World, parcel: Parcel): Parcel {
  const { plan, random, counts } = world;
  if (random.chance(plan.flipRate) && parcel.bytes.length > 0) {
    counts.add('frame with a flipped bit');
    const bytes = new Uint8Array(parcel.bytes);
    const offset = random.below(bytes.length);
    bytes[offset] = (bytes[offset] ?? 0) ^ (1 << random.below(8));
    return { ...parcel, bytes };
  }
  if (random.chance(plan.truncateRate)) {
    counts.add('frame truncated');
    return {
      ...parcel,
      bytes: new Uint8Array(parcel.bytes.subarray(0, random.below(parcel.bytes.length + 1))),
    };
  }
  return parcel;
}

/** A STATUS speaks for its sender's present: only the channel vouches for it, and the channel repeats nothing. */
function isSigned({ kind, bytes }: Parcel): boolean {
  if (kind === 'batch') return true;
  const message = decodeMessage(bytes);
  return message.ok && message.value.kind !== 'status' && message.value.kind !== 'certificatesWanted';
}

/** Whatever was signed may be heard once more, by anybody, over a connection of whoever said it. */
function replayAndRemember(world: World, parcel: Parcel, arrive: Arrive): void {
  const { plan, random, counts, weather } = world;
  if (plan.replayRate === 0) return;
  weather.remembered[random.below(rememberedMax)] = parcel;
  if (!random.chance(plan.replayRate)) return;
  const old = weather.remembered[random.below(weather.remembered.length)];
  if (old === undefined || !isSigned(old)) return;
  const to = random.pick(world.machines.filter((machine) => machine !== old.from));
  counts.add('old message replayed');
  later(world, random.below(plan.deltaMs), () => {
    if (world.links.generation(old.from, to) !== null) arrive({ ...old, to });
  });
}
