/** One parcel from machine to machine, and what may happen to it on the way. Once the network is healed: short delays, nothing else. */
import type { Epoch } from '../../../protocol/brand.ts';
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
const outdatedMax = 256;

/** Faults of the network while a schedule lasts: the part of it that changes. */
export interface Weather {
  /** By sender and receiver: a cut may be one-way. */
  isCut: (from: number, to: number) => boolean;
  /** Extra delay of a link, in ms, by sender and receiver. */
  slowLinkMs: (from: number, to: number) => number;
  /** Frames and gossip of a while ago. */
  readonly remembered: Parcel[];
  /** Signed messages of epochs before the one in force. */
  readonly outdated: Parcel[];
}

export function fairWeather(): Weather {
  return { isCut: () => false, slowLinkMs: () => 0, remembered: [], outdated: [] };
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
  if (parcel.kind !== 'frame' && parcel.kind !== 'batch') return;
  replayAndRemember(world, parcel, arrive);
  replayOutdated(world, arrive);
}

/** An epoch has begun: what was said in the one before can be heard in this one. */
export function onEpochBegun({ weather, random, counts }: World, epoch: Epoch): void {
  counts.add('epoch begun');
  const { remembered, outdated } = weather;
  for (const parcel of remembered.filter((one) => isOfEpochBelow(epoch, one))) {
    if (outdated.length < outdatedMax) outdated.push(parcel);
    else outdated[random.below(outdatedMax)] = parcel;
  }
}

function isOfEpochBelow(epoch: Epoch, { kind, bytes }: Parcel): boolean {
  const message = kind === 'frame' ? decodeMessage(bytes) : null;
  if (message?.ok !== true) return false;
  const { value } = message;
  if (value.kind === 'vote') return value.vote.epoch < epoch;
  if (value.kind === 'proposal') return value.proposal.block.header.epoch < epoch;
  return value.kind === 'certificate' && value.certificate.epoch < epoch;
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
  if (plan.replayRate === 0 && plan.oldEpochRate === 0) return;
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

/** To anybody, over a connection of whoever said it. */
function replayOutdated(world: World, arrive: Arrive): void {
  const { plan, random, counts, weather } = world;
  if (weather.outdated.length === 0 || !random.chance(plan.oldEpochRate)) return;
  const old = random.pick(weather.outdated);
  const to = random.pick(world.machines.filter((machine) => machine !== old.from));
  if (world.links.generation(old.from, to) === null) return;
  counts.add('message of an older epoch');
  arrive({ ...old, to });
}
