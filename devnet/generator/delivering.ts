/** Hand-over at the counter, or by a courier, over a hub perhaps; a parcel that nobody takes comes back. */
import type { ActionBody } from '../../protocol/action.ts';
import type { Id, Timestamp } from '../../protocol/brand.ts';
import type { Act } from './act.ts';
import { reverseOpenAct, type AgreedClaim } from './claiming.ts';
import { pharmacistOf, type Supply } from './dispensing.ts';
import type { Step } from './life.ts';
import { hourMs, minuteMs, newDigest, newId, openHour, signedAt, type Case } from './prescribing.ts';
import type { Person } from './region.ts';

const rates = { unconfirmed: 0.05, byCode: 0.2, overHub: 0.3, late: 0.02, failed: 0.03 } as const;
const deliverWithinMs: number = 6 * hourMs;

interface Delivered {
  readonly at: number;
  /** False if it came back. */
  readonly isReceived: boolean;
}

export function* deliver(one: Case, supply: Supply, claim: AgreedClaim | null): Generator<Step, Delivered> {
  if (supply.mode === 'courier') return yield* byCourier(one, supply, claim);
  if (!one.random.chance(rates.unconfirmed)) yield { at: supply.at, act: receiveAct(one, supply, null) };
  return { at: supply.at, isReceived: true };
}

function* byCourier(one: Case, supply: Supply, claim: AgreedClaim | null): Generator<Step, Delivered> {
  const { random, courier } = one;
  const { pharmacy, k } = supply;
  const parcelId = newId(random);
  const [rider, second] = courier.riders;
  if (rider === undefined || second === undefined) throw new Error('every courier has two riders');
  const byRider = (action: Act['action'], ...others: readonly Person[]): Act => ({
    member: courier.name,
    action,
    signers: [rider, ...others].map((person) => person.signers[0]),
    expected: 'committed',
  });
  const shipped = openHour(random, supply.at);
  const deliverBy = (signedAt(one, shipped) + deliverWithinMs) as Timestamp;
  const body = { parcelId, rxId: one.rxId, k, courier: courier.name, sealHash: newDigest(random), deliverBy };
  const pharmacist = pharmacistOf(pharmacy);
  yield {
    at: shipped,
    act: {
      member: pharmacy.name,
      action: { kind: 'delivery.ship', body },
      signers: [pharmacist.signers[0], rider.signers[0]],
      expected: 'committed',
    },
  };
  if (random.chance(rates.overHub)) {
    const scan = { parcelId, from: courier.name, to: courier.name, place: 'hub-1' };
    yield { at: shipped + hourMs, act: byRider({ kind: 'delivery.scan', body: scan }, second) };
  }
  const isLate = one.moment === null && random.chance(rates.late);
  const arrived = shipped + (isLate ? deliverWithinMs + hourMs : 2 * hourMs + random.below(2 * hourMs));
  if (isLate)
    yield { at: arrived - minuteMs, act: byOwner(one, { kind: 'delivery.report', body: { parcelId } }) };
  if (random.chance(rates.failed)) {
    const act = byRider({ kind: 'delivery.fail', body: { parcelId, reason: 'nobody-there' } });
    yield { at: arrived, act };
    const back = { ...supply, at: openHour(random, arrived + 2 * hourMs) };
    const returned = { kind: 'delivery.return', body: { parcelId, isSealIntact: true } } as const;
    yield { at: back.at, act: { ...byRider(returned, pharmacist), member: pharmacy.name } };
    yield* takeBack(one, back, claim);
    return { at: back.at + 2 * minuteMs, isReceived: false };
  }
  yield { at: arrived, act: byRider({ kind: 'delivery.deliver', body: { parcelId } }) };
  if (!random.chance(rates.unconfirmed))
    yield { at: arrived + minuteMs, act: receiveAct(one, supply, parcelId) };
  return { at: arrived + 2 * minuteMs, isReceived: true };
}

/** What came back is on the shelf again, and nobody pays for it. */
function* takeBack(
  one: Case,
  { k, eventId, pharmacy, at }: Supply,
  claim: AgreedClaim | null,
): Generator<Step, void> {
  const member = pharmacy.name;
  const signers = [pharmacistOf(pharmacy).signers[0]];
  if (claim !== null) yield { at: at + minuteMs, act: reverseOpenAct(claim) };
  const body: ActionBody<'fill.withdraw'> = {
    rxId: one.rxId,
    k,
    eventId,
    restockedHashes: [],
    reason: 'undelivered',
  };
  const action = { kind: 'fill.withdraw', body } as const;
  yield { at: at + 2 * minuteMs, act: { member, action, signers, expected: 'committed' } };
}

/** By the patient's own key, or by the code that the patient says at the door. */
function receiveAct(one: Case, { k, pharmacy, mode }: Supply, parcelId: Id | null): Act {
  const isByCode = mode === 'counter' && one.random.chance(rates.byCode);
  const receiptCode = isByCode ? (one.receiptCodes[k] ?? '') : null;
  const action = { kind: 'delivery.receive', body: { rxId: one.rxId, k, parcelId, receiptCode } } as const;
  const signers = isByCode ? [pharmacistOf(pharmacy).signers[0]] : [one.owner];
  return { member: pharmacy.name, action, signers, expected: 'committed' };
}

function byOwner(one: Case, action: Act['action']): Act {
  return { member: one.pharmacy.name, action, signers: [one.owner], expected: 'committed' };
}
