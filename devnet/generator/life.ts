/** The life of one prescription, with what people do right and wrong at the rates at which they do: a generator of acts in time. */
import type { Timestamp } from '../../protocol/brand.ts';
import type { Act } from './act.ts';
import { claimOf, closeClaim, openClaim } from './claiming.ts';
import { deliver } from './delivering.ts';
import { dispenseAct, reserveAct, returnAct, type Supply } from './dispensing.ts';
import {
  cancelAct,
  dayMs,
  hourMs,
  issueAct,
  minuteMs,
  newId,
  openHour,
  reviewAct,
  signedAt,
  type Case,
} from './prescribing.ts';

/** The next act, and when. */
export interface Step {
  readonly at: number;
  readonly act: Act;
}

export type Life = Generator<Step, number>;

/** Shares of prescriptions, or of the step they are about. Orders of magnitude from the literature; the sum of them is a busy day. */
const rates = {
  wrongClock: 0.004,
  issuedTwice: 0.003,
  queried: 0.03,
  refusedInReview: 0.02,
  cancelled: 0.02,
  cancelledAndTried: 0.3,
  neverFetched: 0.12,
  expiredAndTried: 0.05,
  usedTwice: 0.01,
  outOfStock: 0.03,
  inParts: 0.05,
  byCourier: 0.2,
} as const;

/** Ends with the time of its last act. */
export function* lifeOf(one: Case): Life {
  const { random } = one;
  let at = one.issuedAt;
  if (random.chance(rates.wrongClock)) {
    const authoredOn = (signedAt(one, at) - hourMs) as Timestamp;
    yield { at, act: { ...issueAct(one, { authoredOn }), expected: 'authoredOnOutOfWindow' } };
  }
  yield { at, act: issueAct(one) };
  if (random.chance(rates.issuedTwice)) {
    yield { at: at + 1_000, act: { ...issueAct(one), expected: 'prescriptionExists' } };
  }
  at += minuteMs;
  if (one.class === 'controlled' || one.class === 'antibiotic') {
    if (random.chance(rates.queried)) yield { at, act: reviewAct(one, 'query') };
    at += random.below(30 * minuteMs);
    if (random.chance(rates.refusedInReview)) {
      yield { at, act: reviewAct(one, 'refuse') };
      return at;
    }
    yield { at, act: reviewAct(one, 'approve') };
  }
  if (random.chance(rates.cancelled)) return yield* cancelled(one, at + random.below(20 * minuteMs));
  for (const k of one.redeem.keys()) {
    // The interval counts from the supply before.
    const from = k === 0 ? at : at + one.intervalDays * dayMs;
    const end = yield* fillLife(one, k, from + 30 * minuteMs);
    if (end === null) return at;
    at = end;
  }
  return at;
}

function* cancelled(one: Case, at: number): Life {
  yield { at, act: cancelAct(one) };
  if (!one.random.chance(rates.cancelledAndTried)) return at;
  const later = openHour(one.random, at + hourMs);
  const isOver = later >= one.validUntil;
  yield { at: later, act: { ...reserveAct(one, tryAt(one, 0, later)), expected: 'prescriptionNotOpen' } };
  return isOver ? at : later;
}

/** One fill; null if nobody came, and then nobody comes for the next one. */
function* fillLife(one: Case, k: number, from: number): Generator<Step, number | null> {
  const { random } = one;
  if (random.chance(rates.neverFetched)) {
    const late = openHour(random, one.validUntil + hourMs);
    if (k > 0 || one.moment !== null || !random.chance(rates.expiredAndTried)) return null;
    yield { at: late, act: { ...reserveAct(one, tryAt(one, k, late)), expected: 'prescriptionExpired' } };
    return null;
  }
  const at = openHour(random, from + random.below(12 * hourMs));
  if (at + 4 * hourMs >= one.validUntil) return null;
  return yield* supplied(one, tryAt(one, k, at));
}

function tryAt(one: Case, k: number, at: number): Supply {
  const mode = one.random.chance(rates.byCourier) ? 'courier' : 'counter';
  return { k, pharmacy: one.pharmacy, at, mode, eventId: newId(one.random) };
}

function* supplied(one: Case, first: Supply): Life {
  const { random } = one;
  let supply = first;
  yield { at: supply.at, act: reserveAct(one, supply) };
  if (random.chance(rates.usedTwice) && one.otherPharmacy !== one.pharmacy) {
    const copy = { ...supply, pharmacy: one.otherPharmacy, at: supply.at + minuteMs };
    yield { at: copy.at, act: { ...reserveAct(one, copy), expected: 'fillReserved' } };
  }
  if (random.chance(rates.outOfStock)) {
    yield { at: supply.at + 5 * minuteMs, act: returnAct(one, supply) };
    supply = { ...supply, pharmacy: one.otherPharmacy, at: supply.at + 20 * minuteMs };
    yield { at: supply.at, act: reserveAct(one, supply) };
  }
  if (one.insurer === null && random.chance(rates.inParts)) return yield* inParts(one, supply);
  const claim = claimOf(one, supply);
  const handOver = { ...supply, at: supply.at + 10 * minuteMs };
  const agreed = claim === null ? null : yield* openClaim(claim, handOver.at);
  yield* dispenseAct(one, { ...handOver, at: handOver.at + 5 * minuteMs });
  const delivered = yield* deliver(one, { ...handOver, at: handOver.at + 10 * minuteMs }, agreed);
  if (agreed === null || !delivered.isReceived) return delivered.at;
  return yield* closeClaim(agreed, delivered.at + minuteMs);
}

/** A pharmacy that has half of it; the rest comes from another one. */
function* inParts(one: Case, supply: Supply): Life {
  const half = { ...supply, share: 'half' as const, at: supply.at + 15 * minuteMs };
  yield* dispenseAct(one, half);
  yield { at: half.at + minuteMs, act: returnAct(one, supply) };
  const rest = {
    ...supply,
    pharmacy: one.otherPharmacy,
    at: openHour(one.random, half.at + hourMs),
    eventId: newId(one.random),
    share: 'rest' as const,
  };
  if (rest.at + hourMs >= one.validUntil) return half.at + minuteMs;
  yield { at: rest.at, act: reserveAct(one, rest) };
  yield* dispenseAct(one, { ...rest, at: rest.at + 15 * minuteMs });
  return rest.at + 15 * minuteMs;
}
