/**
 * A naive model of one prescription's life, written from domain.md alone: lists and loops, nothing shared with the code that it
 * judges. It answers whether an act is accepted, and what everybody sees afterwards.
 */
import type { Command, CommandOn, FillKind, Pharmacy, Picture } from './naiveCommand.ts';
import type { NaiveFill, NaiveParcel, NaiveSupply } from './naiveRecords.ts';

const dayMs = 86_400_000;
/** Of the default policy: at the counter, after an end, between two supplies of item 0. */
const reserveMsMax = dayMs;
const graceMs = dayMs;
const intervalMs: number = 7 * dayMs;

export interface NaiveLife {
  /** Whether the act is accepted; if so, it has taken place. */
  readonly apply: (command: Command) => boolean;
  readonly picture: () => Picture;
  /** Whether the pharmacy may have the sealed documents now: it holds a fill, or supplied from one. */
  readonly mayRead: (who: string) => boolean;
}

/** From the start: the prescription and its fills end after 20 days, item 1 after 5; fill 1 begins after 2 and repeats item 0. */
export const lifeDays = { end: 20, itemEnd: 5, second: 2 } as const;
export const lifeUnits: readonly [number, number] = [30, 20];

interface Naive {
  readonly startMs: number;
  readonly endMs: number;
  readonly itemEnds: readonly number[];
  readonly fills: readonly NaiveFill[];
  readonly parcels: Map<number, NaiveParcel>;
  /** Pack to the supply that spent it. */
  readonly spentPacks: Map<number, number>;
  readonly suspended: Set<Pharmacy>;
  now: number;
  compromisedSince: number | null;
  nomination: { readonly who: Pharmacy; readonly untilMs: number } | null;
  decision: 'none' | 'asked' | 'allowed' | 'denied';
}

export function naiveLife(startMs: number): NaiveLife {
  const endMs = startMs + lifeDays.end * dayMs;
  const life: Naive = {
    startMs,
    endMs,
    itemEnds: [endMs, startMs + lifeDays.itemEnd * dayMs],
    fills: [0, lifeDays.second].map((days, k) => aFill(k, startMs + days * dayMs)),
    parcels: new Map(),
    spentPacks: new Map(),
    suspended: new Set(),
    now: startMs,
    compromisedSince: null,
    nomination: null,
    decision: 'none',
  };
  return {
    apply: (command) => apply(life, command),
    picture: () => pictureOf(life),
    mayRead: (who) => life.fills.some((fill) => isReader(life, fill, who)),
  };
}

function aFill(k: number, startMs: number): NaiveFill {
  return { k, startMs, holder: null, end: 'none', holds: [], supplies: [] };
}

function pictureOf(life: Naive): Picture {
  const parcels = [...life.parcels].toSorted(([a], [b]) => a - b);
  return {
    fills: life.fills.map((fill) => ({
      status: statusOf(life, fill),
      remaining: [remaining(fill, 0), remaining(fill, 1)],
      holds: [...fill.holds],
      supplies: fill.supplies.map((one) => [one.event, one.isReceived, one.isWithdrawn] as const),
    })),
    parcels: parcels.map(([number, parcel]) => [number, parcel.status, parcel.custodian] as const),
  };
}

const all = (life: Naive): readonly NaiveSupply[] => life.fills.flatMap((fill) => fill.supplies);
const live = (fill: NaiveFill): readonly NaiveSupply[] => fill.supplies.filter((one) => !one.isWithdrawn);
const entitled = (fill: NaiveFill, item: number): number =>
  item === 1 && fill.k === 1 ? 0 : (lifeUnits[item] ?? 0);
const remaining = (fill: NaiveFill, item: number): number => {
  let left = entitled(fill, item);
  for (const supply of live(fill)) if (supply.item === item) left -= supply.units;
  return left;
};
const isVoid = (life: Naive): boolean =>
  life.compromisedSince !== null && life.compromisedSince <= life.startMs;
const nominee = (life: Naive): Pharmacy | null =>
  life.nomination !== null && life.now < life.nomination.untilMs ? life.nomination.who : null;

function endOf(life: Naive, fill: NaiveFill): number {
  let end = 0;
  for (const item of [0, 1]) if (remaining(fill, item) > 0) end = Math.max(end, life.itemEnds[item] ?? 0);
  return end;
}

function statusOf(life: Naive, fill: NaiveFill): string {
  if (fill.end === 'cancelled') return 'cancelled';
  if (fill.end === 'partial') return 'closed';
  if (remaining(fill, 0) === 0 && remaining(fill, 1) === 0) return 'dispensed';
  if (isVoid(life)) return 'voided';
  if (fill.holder !== null && life.now < fill.holder.untilMs)
    return live(fill).length > 0 ? 'dispensing' : 'reserved';
  return life.now >= endOf(life, fill) ? 'expired' : 'ready';
}

const isOpen = (life: Naive, fill: NaiveFill): boolean =>
  ['ready', 'reserved', 'dispensing'].includes(statusOf(life, fill));
const holds = (life: Naive, fill: NaiveFill, who: Pharmacy): boolean =>
  ['reserved', 'dispensing'].includes(statusOf(life, fill)) && fill.holder?.who === who;
const mayAct = (life: Naive, who: Pharmacy): boolean => !life.suspended.has(who);
const isDoctorGood = (life: Naive): boolean => life.compromisedSince === null;

function isReader(life: Naive, { holder, end, supplies }: NaiveFill, who: string): boolean {
  const isHolding = holder?.who === who && life.now < holder.untilMs && end !== 'cancelled';
  return isHolding || supplies.some((one) => one.who === who);
}

function isDue(life: Naive, fill: NaiveFill, item: number): boolean {
  if (remaining(fill, item) === 0) return false;
  if (item === 1) return true;
  const others = all(life).filter(
    (one) => one.item === item && !one.isWithdrawn && !fill.supplies.includes(one),
  );
  return others.every((one) => life.now >= one.atMs + intervalMs);
}

function reserve(life: Naive, fill: NaiveFill, command: CommandOn<'reserve'>): boolean {
  const { who, ms, hasCode } = command;
  if (!mayAct(life, who)) return false;
  if (nominee(life) !== null && nominee(life) !== who) return false;
  if (!hasCode && nominee(life) !== who) return false;
  if (holds(life, fill, who)) return true;
  if (statusOf(life, fill) !== 'ready' || fill.holds.length > 0 || life.now < fill.startMs) return false;
  if (!isDue(life, fill, 0) && !isDue(life, fill, 1)) return false;
  if (ms <= 0 || ms > reserveMsMax || life.now + ms > endOf(life, fill) + graceMs) return false;
  fill.holder = { who, sinceMs: life.now, untilMs: life.now + ms };
  return true;
}

function extend(life: Naive, fill: NaiveFill, { who, ms }: CommandOn<'extend'>): boolean {
  if (!mayAct(life, who) || !holds(life, fill, who) || fill.holder === null) return false;
  if (life.now + ms <= fill.holder.untilMs) return false;
  if (ms > reserveMsMax || life.now + ms > endOf(life, fill) + graceMs) return false;
  fill.holder.untilMs = life.now + ms;
  return true;
}

function dispense(life: Naive, fill: NaiveFill, command: CommandOn<'dispense'>): boolean {
  const { who, event, item, units, pack, isEquivalent } = command;
  if (!mayAct(life, who) || !holds(life, fill, who) || fill.holds.length > 0 || fill.holder === null)
    return false;
  if (all(life).some((one) => one.event === event)) return false;
  if (units > remaining(fill, item) || entitled(fill, item) === 0) return false;
  const end = life.itemEnds[item] ?? 0;
  const isInTime = life.now < end || (fill.holder.sinceMs < end && life.now < end + graceMs);
  if (!isInTime || !isDue(life, fill, item)) return false;
  if (isEquivalent && item === 0 && life.decision !== 'allowed') return false;
  if (life.spentPacks.has(pack)) return false;
  life.spentPacks.set(pack, event);
  const flags = { parcel: null, hasLeft: false, isReceived: false, isWithdrawn: false };
  fill.supplies.push({ event, who, atMs: life.now, item, units, pack, ...flags });
  return true;
}

function close(life: Naive, fill: NaiveFill, { who, isPartial }: CommandOn<'close'>): boolean {
  if (!mayAct(life, who)) return false;
  if (isPartial) {
    if (!holds(life, fill, who) || live(fill).length === 0) return false;
    fill.end = 'partial';
    return true;
  }
  if (statusOf(life, fill) !== 'dispensed' || fill.end !== 'none') return false;
  if (live(fill).at(-1)?.who !== who) return false;
  fill.end = 'complete';
  return true;
}

function withdraw(life: Naive, fill: NaiveFill, command: CommandOn<'withdraw'>): boolean {
  const { who, event, isRestocked, isWithOwner } = command;
  const supply = fill.supplies.find((one) => one.event === event);
  if (supply === undefined || supply.who !== who || !mayAct(life, who)) return false;
  if (isWithOwner !== supply.isReceived || supply.isWithdrawn) return false;
  const parcel = supply.parcel === null ? null : life.parcels.get(supply.parcel);
  if (!supply.isReceived && parcel !== null && parcel?.status !== 'returned') return false;
  if (isRestocked && (supply.isReceived || supply.parcel !== null || supply.hasLeft)) return false;
  if (isRestocked) life.spentPacks.delete(supply.pack);
  supply.isWithdrawn = true;
  if (fill.end === 'complete') fill.end = 'none';
  return true;
}

function stop(life: Naive, { kind, k, by }: CommandOn<'cancel' | 'hold' | 'release'>): boolean {
  if (by === 'prescriber' && !isDoctorGood(life)) return false;
  if (by === 'regulator' && kind === 'cancel') return false;
  const open = life.fills.filter((fill) => (k === null || fill.k === k) && isOpen(life, fill));
  if (open.length === 0) return false;
  const held = open.filter((fill) => fill.holds.includes(by));
  if (kind === 'hold' && held.length === open.length) return false;
  if (kind === 'release' && held.length === 0) return false;
  for (const fill of open) {
    if (kind === 'cancel') fill.end = 'cancelled';
    if (kind === 'hold' && !fill.holds.includes(by)) fill.holds.push(by);
    if (kind === 'release') fill.holds = fill.holds.filter((holder) => holder !== by);
  }
  return true;
}

function choose(life: Naive, who: Pharmacy, ms: number): boolean {
  if (ms <= 0 || life.now + ms > life.endMs) return false;
  life.nomination = { who, untilMs: life.now + ms };
  return true;
}

function nominate(life: Naive, { who, ms }: CommandOn<'nominate'>): boolean {
  if (!life.fills.some((fill) => isOpen(life, fill))) return false;
  if (who !== null) return choose(life, who, ms);
  life.nomination = null;
  return true;
}

function redirect(life: Naive, fill: NaiveFill, { who, ms }: CommandOn<'redirect'>): boolean {
  if (!['reserved', 'dispensing'].includes(statusOf(life, fill)) || !choose(life, who, ms)) return false;
  fill.holder = null;
  return true;
}

function ask(life: Naive, fill: NaiveFill, who: Pharmacy): boolean {
  if (
    !mayAct(life, who) ||
    !holds(life, fill, who) ||
    life.decision === 'asked' ||
    life.decision === 'allowed'
  )
    return false;
  life.decision = 'asked';
  return true;
}

function decide(life: Naive, isAllowed: boolean): boolean {
  if (!isDoctorGood(life) || life.decision !== 'asked') return false;
  life.decision = isAllowed ? 'allowed' : 'denied';
  return true;
}

const isAtCounter = (one: NaiveSupply): boolean => one.parcel === null && !one.isReceived && !one.isWithdrawn;

function ship(life: Naive, fill: NaiveFill, { who, parcel }: CommandOn<'ship'>): boolean {
  const packed = fill.supplies.filter((one) => one.who === who && isAtCounter(one));
  if (!mayAct(life, who) || life.parcels.has(parcel) || packed.length === 0) return false;
  for (const supply of packed) supply.parcel = parcel;
  life.parcels.set(parcel, { k: fill.k, who, custodian: 'courier', status: 'inTransit' });
  return true;
}

function carry(life: Naive, command: CommandOn<'scan' | 'deliver' | 'fail'>): boolean {
  const parcel = life.parcels.get(command.parcel);
  const holder = command.kind === 'scan' ? command.from : command.who;
  if (parcel?.custodian !== holder) return false;
  const isOnItsWay = parcel.status === 'inTransit';
  if (!isOnItsWay && !(command.kind === 'fail' && parcel.status === 'delivered')) return false;
  if (command.kind === 'scan') parcel.custodian = command.to;
  if (command.kind === 'deliver') parcel.status = 'delivered';
  if (command.kind === 'fail') parcel.status = 'failed';
  return true;
}

function takeBack(life: Naive, command: CommandOn<'takeBack'>): boolean {
  const parcel = life.parcels.get(command.parcel);
  if (parcel?.status !== 'failed' || parcel.custodian !== command.from) return false;
  if (parcel.who !== command.who || !mayAct(life, command.who)) return false;
  parcel.status = 'returned';
  parcel.custodian = command.who;
  if (!command.isSealIntact) return true;
  for (const supply of all(life).filter((one) => one.parcel === command.parcel)) {
    supply.parcel = null;
    supply.hasLeft = true;
  }
  return true;
}

function receive(life: Naive, fill: NaiveFill, number: number | null): boolean {
  const parcel = number === null ? null : life.parcels.get(number);
  const isInside = (one: NaiveSupply): boolean =>
    number === null ? isAtCounter(one) : one.parcel === number;
  const handed = fill.supplies.filter(isInside);
  const isReady = parcel === null ? handed.length > 0 : parcel?.status === 'delivered' && parcel.k === fill.k;
  if (!isReady) return false;
  for (const supply of handed) supply.isReceived = true;
  if (parcel) Object.assign(parcel, { status: 'received', custodian: null });
  return true;
}

function compromise(life: Naive, agoMs: number): boolean {
  const since = life.now - agoMs;
  if (life.compromisedSince !== null && since >= life.compromisedSince) return false;
  life.compromisedSince = since;
  return true;
}

function employ(life: Naive, kind: 'suspend' | 'reinstate', who: Pharmacy): boolean {
  if (life.suspended.has(who) === (kind === 'suspend')) return false;
  if (kind === 'suspend') life.suspended.add(who);
  else life.suspended.delete(who);
  return true;
}

function ofFill(life: Naive, command: CommandOn<FillKind>): boolean {
  const fill = life.fills[command.k];
  if (fill === undefined) return false;
  switch (command.kind) {
    case 'reserve':
      return reserve(life, fill, command);
    case 'extend':
      return extend(life, fill, command);
    case 'return': {
      if (!mayAct(life, command.who) || !holds(life, fill, command.who)) return false;
      fill.holder = null;
      return true;
    }
    case 'dispense':
      return dispense(life, fill, command);
    case 'close':
      return close(life, fill, command);
    case 'withdraw':
      return withdraw(life, fill, command);
    case 'redirect':
      return redirect(life, fill, command);
    case 'ask':
      return ask(life, fill, command.who);
    case 'ship':
      return ship(life, fill, command);
    case 'receive':
      return receive(life, fill, command.parcel);
    default:
      return command satisfies never;
  }
}

function apply(life: Naive, command: Command): boolean {
  switch (command.kind) {
    case 'wait':
      life.now += command.ms;
      return true;
    case 'cancel':
    case 'hold':
    case 'release':
      return stop(life, command);
    case 'nominate':
      return nominate(life, command);
    case 'decide':
      return decide(life, command.isAllowed);
    case 'scan':
    case 'deliver':
    case 'fail':
      return carry(life, command);
    case 'takeBack':
      return takeBack(life, command);
    case 'suspend':
    case 'reinstate':
      return employ(life, command.kind, command.who);
    case 'compromise':
      return compromise(life, command.agoMs);
    case 'reserve':
    case 'extend':
    case 'return':
    case 'dispense':
    case 'close':
    case 'withdraw':
    case 'redirect':
    case 'ask':
    case 'ship':
    case 'receive':
      return ofFill(life, command);
    default:
      return command satisfies never;
  }
}
