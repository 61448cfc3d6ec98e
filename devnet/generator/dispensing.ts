/** Habits at the pharmacy: reserve, return, dispense, with substitutions and packs that were scanned before. */
import type { ActionBody } from '../../protocol/action.ts';
import type { Id, Timestamp, Units } from '../../protocol/brand.ts';
import type { ReservationMode } from '../../protocol/policy.ts';
import type { Act } from './act.ts';
import type { Step } from './life.ts';
import { hourMs, minuteMs, newDigest, signedAt, signedEnd, type Case } from './prescribing.ts';
import type { Person, Pharmacy } from './region.ts';

/** One visit of a patient to a pharmacy. */
export interface Supply {
  readonly k: number;
  readonly pharmacy: Pharmacy;
  readonly at: number;
  readonly mode: ReservationMode;
  readonly eventId: Id;
  /** Of each item: everything by default. */
  readonly share?: 'half' | 'rest';
}

const substitutedShare = 0.1;
const packScannedTwiceShare = 0.002;
const reservedHours: Readonly<Record<ReservationMode, number>> = { counter: 20, courier: 60 };
/** Within what the policy allows after the end of the prescription. */
const graceHours = 20;
const reasons = ['stock', 'price'];

export function pharmacistOf({ pharmacists }: Pharmacy): Person {
  const [first] = pharmacists;
  if (first === undefined) throw new Error('every pharmacy has a pharmacist');
  return first;
}

export function reserveAct(one: Case, { k, pharmacy, at, mode }: Supply): Act {
  const redeem = one.redeem[k];
  if (redeem === undefined) throw new Error('a fill that the prescription does not have');
  const until = Math.min(
    signedAt(one, at) + reservedHours[mode] * hourMs,
    signedEnd(one) + graceHours * hourMs,
  ) as Timestamp;
  return {
    member: pharmacy.name,
    action: { kind: 'fill.reserve', body: { rxId: one.rxId, k, pharmacy: pharmacy.name, until, mode } },
    signers: [pharmacistOf(pharmacy).signers[0], redeem],
    expected: 'committed',
  };
}

export function returnAct(one: Case, { k, pharmacy }: Supply): Act {
  return {
    member: pharmacy.name,
    action: { kind: 'fill.return', body: { rxId: one.rxId, k, reason: 'stock' } },
    signers: [pharmacistOf(pharmacy).signers[0]],
    expected: 'committed',
  };
}

/** Units of an item that this supply hands out; 0 is nothing of it. */
export function unitsOf(one: Case, { share }: Supply, itemId: number): number {
  const units = one.items[itemId]?.units ?? 0;
  if (share === undefined) return units;
  const half = Math.ceil(units / 2);
  return share === 'half' ? half : units - half;
}

export function* dispenseAct(one: Case, supply: Supply): Generator<Step, void> {
  const { random } = one;
  const isSubstituted =
    one.items.every((item) => item.substitutionAllowed) && random.chance(substitutedShare);
  const items: ActionBody<'fill.dispense'>['items'] = one.items.flatMap(({ itemId }) => {
    const units = unitsOf(one, supply, itemId) as Units;
    const packHashes = [newDigest(random)];
    return units === 0
      ? []
      : [{ itemId, units, equivalence: isSubstituted ? 'equivalent' : 'same', packHashes }];
  });
  const substitution = isSubstituted ? random.pick(reasons) : null;
  const body = { rxId: one.rxId, k: supply.k, eventId: supply.eventId, items, substitution };
  const persons = one.class === 'controlled' ? supply.pharmacy.pharmacists : [pharmacistOf(supply.pharmacy)];
  const act: Act = {
    member: supply.pharmacy.name,
    action: { kind: 'fill.dispense', body },
    signers: persons.map((person) => person.signers[0]),
    expected: 'committed',
  };
  const scannedTwice = items[0]?.packHashes[0];
  if (scannedTwice !== undefined && items.length > 1 && random.chance(packScannedTwiceShare)) {
    const wrong = items.map((item) => ({ ...item, packHashes: [scannedTwice] }));
    const action = { kind: 'fill.dispense', body: { ...body, items: wrong } } as const;
    yield { at: supply.at, act: { ...act, action, expected: 'packSpent' } };
  }
  yield { at: supply.at + minuteMs, act };
}
