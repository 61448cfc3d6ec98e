/** Habits of pharmacies and insurers about a claim, from the estimate to the reversal. */
import type { ActionBody } from '../../protocol/action.ts';
import type { Amount, Id, Units } from '../../protocol/brand.ts';
import type { Act } from './act.ts';
import { pharmacistOf, unitsOf, type Supply } from './dispensing.ts';
import type { Life, Step } from './life.ts';
import { dayMs, hourMs, minuteMs, newId, openHour, type Case } from './prescribing.ts';
import type { Insurer } from './region.ts';

const rates = {
  rejected: 0.04,
  unknown: 0.01,
  unanswered: 0.02,
  disputed: 0.02,
  offerTaken: 0.6,
  reversed: 0.01,
  recouped: 0.003,
} as const;

type ClaimLines = ActionBody<'claim.estimate'>['lines'];
type JudgedLines = ActionBody<'claim.adjudicate'>['lines'];

export interface ClaimCase {
  readonly one: Case;
  readonly supply: Supply;
  readonly insurer: Insurer;
  readonly claimId: Id;
  readonly lines: ClaimLines;
}

/** A claim whose amounts the insurer has fixed. */
export interface AgreedClaim extends ClaimCase {
  readonly judged: JudgedLines;
}

/** Null for a patient without insurance. */
export function claimOf(one: Case, supply: Supply): ClaimCase | null {
  const { insurer, random } = one;
  if (insurer === null) return null;
  const lines = one.items.map(({ itemId }) => {
    const units = unitsOf(one, supply, itemId) as Units;
    return { itemId, units, price: (units * (20 + random.below(400))) as Amount };
  });
  return { one, supply, insurer, claimId: newId(random), lines };
}

/** Up to the patient's payment; null if the insurer pays nothing. */
export function* openClaim(claim: ClaimCase, at: number): Generator<Step, AgreedClaim | null> {
  const { one, supply, insurer, claimId, lines } = claim;
  const { random } = one;
  const total = sum(lines.map((line) => line.price));
  const body = { claimId, rxId: one.rxId, k: supply.k, insurer: insurer.name, lines, total };
  yield { at, act: byPharmacy(claim, { kind: 'claim.estimate', body }) };
  if (random.chance(rates.unanswered)) return null;
  if (random.chance(rates.unknown)) {
    yield { at: at + minuteMs, act: adjudicateAct(claim, 'unknown', []) };
    return null;
  }
  const isRejected = random.chance(rates.rejected);
  const percent = isRejected ? 0 : 50 + random.below(51);
  const judged = lines.map(({ itemId, price }) => {
    const covered = Math.floor((price * percent) / 100) as Amount;
    return { itemId, covered, patientPays: (price - covered) as Amount, code: `plan-${percent}` };
  });
  yield { at: at + minuteMs, act: adjudicateAct(claim, isRejected ? 'reject' : 'approve', judged) };
  if (isRejected) return null;
  const patientPaid = sum(judged.map((line) => line.patientPays));
  if (patientPaid > 0) {
    const fund = random.chance(0.1) ? (Math.floor(patientPaid / 3) as Amount) : (0 as Amount);
    const payments = [
      { method: 'card', amount: (patientPaid - fund) as Amount },
      { method: 'employer-fund', amount: fund },
    ].filter((payment) => payment.amount > 0);
    const action = { kind: 'claim.pay', body: { claimId, patientPaid, payments } } as const;
    yield { at: at + 2 * minuteMs, act: byPharmacy(claim, action) };
  }
  return { ...claim, judged };
}

/** From the submission to the amount that is settled; some of it goes back later. */
export function* closeClaim(claim: AgreedClaim, at: number): Life {
  const { claimId, lines, supply, judged } = claim;
  const { random } = claim.one;
  const total = sum(lines.map((line) => line.price));
  const body = { claimId, eventIds: [supply.eventId], lines, total };
  yield { at, act: byPharmacy(claim, { kind: 'claim.submit', body }) };
  const settled = yield* agree(claim, at + minuteMs);
  const later = openHour(random, at + hourMs + random.below(3 * dayMs));
  if (random.chance(rates.reversed)) {
    const back = lines.map(({ itemId, units }, index) => ({
      itemId,
      units,
      covered: settled[index] ?? (0 as Amount),
      patientPays: judged[index]?.patientPays ?? (0 as Amount),
    }));
    const reverse = { claimId, reason: 'error', lines: back, eventIds: [supply.eventId] };
    yield { at: later, act: byPharmacy(claim, { kind: 'claim.reverse', body: reverse }) };
    return later;
  }
  const [first = 0 as Amount] = settled;
  if (first === 0 || !random.chance(rates.recouped)) return at + 3 * minuteMs;
  yield { at: later, act: recoupAct(claim, Math.ceil(first / 10) as Amount) };
  return later;
}

/** What the insurer pays for each line, after a dispute perhaps. */
function* agree(claim: AgreedClaim, at: number): Generator<Step, readonly Amount[]> {
  const { claimId, judged } = claim;
  const { random } = claim.one;
  const fixed = judged.map((line) => line.covered);
  if (!random.chance(rates.disputed)) {
    yield { at, act: byInsurer(claim, { kind: 'claim.accept', body: { claimId, covered: sum(fixed) } }) };
    return fixed;
  }
  const offered = fixed.map((covered) => Math.floor((covered * 9) / 10) as Amount);
  const lines = judged.map(({ itemId }, index) => ({ itemId, covered: offered[index] ?? (0 as Amount) }));
  const dispute = { kind: 'claim.dispute', body: { claimId, reason: 'tariff', lines } } as const;
  yield { at, act: byInsurer(claim, dispute) };
  const isTaken = random.chance(rates.offerTaken);
  const settled = isTaken ? offered : fixed;
  const action = { kind: 'claim.accept', body: { claimId, covered: sum(settled) } } as const;
  const later = at + hourMs;
  yield { at: later, act: isTaken ? byPharmacy(claim, action) : byInsurer(claim, action) };
  return settled;
}

/** Before the submission: the patient has not got it, and gets the money back. */
export function reverseOpenAct(claim: AgreedClaim): Act {
  const body = { claimId: claim.claimId, reason: 'undelivered', lines: [], eventIds: [] };
  return byPharmacy(claim, { kind: 'claim.reverse', body });
}

function adjudicateAct(
  claim: ClaimCase,
  outcome: ActionBody<'claim.adjudicate'>['outcome'],
  lines: JudgedLines,
): Act {
  return byInsurer(claim, { kind: 'claim.adjudicate', body: { claimId: claim.claimId, outcome, lines } });
}

function recoupAct(claim: AgreedClaim, covered: Amount): Act {
  const lines = [{ itemId: 0, covered }];
  const action = { kind: 'claim.recoup', body: { claimId: claim.claimId, reason: 'audit', lines } } as const;
  const act = byInsurer(claim, action);
  return { ...act, signers: [...act.signers, pharmacistOf(claim.supply.pharmacy).signers[0]] };
}

function byPharmacy({ supply }: ClaimCase, action: Act['action']): Act {
  const { pharmacy } = supply;
  const signers = [pharmacistOf(pharmacy).signers[0]];
  return { member: pharmacy.name, action, signers, expected: 'committed' };
}

function byInsurer({ insurer }: ClaimCase, action: Act['action']): Act {
  const signers = [insurer.adjudicator.signers[0]];
  return { member: insurer.name, action, signers, expected: 'committed' };
}

function sum(amounts: readonly number[]): Amount {
  return amounts.reduce((total, amount) => total + amount, 0) as Amount;
}
