/** The steps of claims and settlements: the two items of the walk's prescriptions at 600 and 400, all of it covered. */
import type { JsonObject } from '../../../../node/rpc/contract.ts';
import { hexOf } from '../../../../node/rpc/json.ts';
import type { Amount, Id } from '../../../../protocol/brand.ts';
import { sumsOf } from '../../../../protocol/settlement.ts';
import { day, id, type Step } from '../../../support/walk/step.ts';
import { dispense, issue, reserve, step, time } from '../noonActs.ts';

type Outcome = Step['outcome'];

const lines: readonly JsonObject[] = [
  { itemId: 0, units: 30, price: 600 },
  { itemId: 1, units: 20, price: 400 },
];
export const total: number = 1_000;
export const claim = (rx: string): JsonObject => ({ claimId: id(`claim of ${rx}`) });

export function estimate(rx: string, outcome: Outcome = 'committed'): Step {
  const body = { ...claim(rx), rxId: id(rx), k: 0, insurer: 'insurer', lines, total };
  return step('claim.estimate', { by: 'pharmacy: ph-wang', body, outcome });
}

export function adjudicate(rx: string, outcome: Outcome = 'committed'): Step {
  const covered = lines.map(({ itemId, price }) => ({
    itemId: itemId ?? null,
    covered: price ?? null,
    patientPays: 0,
    code: 'tariff',
  }));
  const body = { ...claim(rx), outcome: 'approve', lines: covered };
  return step('claim.adjudicate', { by: 'insurer: adj-wu', body, outcome });
}

export function submit(rx: string, outcome: Outcome = 'committed'): Step {
  const body = { ...claim(rx), eventIds: [id(`event of ${rx}`)], lines, total };
  return step('claim.submit', { by: 'pharmacy: ph-wang', body, outcome });
}

export function accept(rx: string, outcome: Outcome = 'committed'): Step {
  return step('claim.accept', { by: 'pharmacy: ph-wang', body: { ...claim(rx), covered: total }, outcome });
}

/** Estimated and adjudicated, then supplied. */
export const adjudicated = (rx: string): readonly Step[] => [
  issue(rx),
  reserve(rx),
  estimate(rx),
  adjudicate(rx),
  dispense(rx),
];

export const accepted = (rx: string): readonly Step[] => [...adjudicated(rx), submit(rx), accept(rx)];

export const statement = { insurer: 'insurer', pharmacy: 'pharmacy', period: 'january' };

/** Of the one claim of a prescription. */
function sums(rx: string): JsonObject {
  const claimId = id(`claim of ${rx}`).slice(2) as Id;
  const { claimsRoot, ...rest } = sumsOf([{ kind: 'accepted', claimId, covered: total as Amount }]);
  return { ...rest, claimsRoot: hexOf(claimsRoot) };
}

export function propose(period: string, outcome: Outcome = 'committed'): Step {
  const body = { ...statement, period, sums: null };
  return step('settle.propose', { by: 'insurer: acc-sun', body, outcome });
}

export function confirm(rx: string, outcome: Outcome = 'committed'): Step {
  const body = { ...statement, sums: sums(rx) };
  return step('settle.confirm', { by: 'pharmacy: acc-zhou', body, outcome });
}

export function pay(outcome: Outcome = 'committed'): Step {
  const body = { ...statement, total, paymentRef: 'transfer-1' };
  return step('settle.paid', { by: 'insurer: acc-sun', body, outcome });
}

export const confirmed = (rx: string): readonly Step[] => [
  ...accepted(rx),
  propose(statement.period),
  confirm(rx),
];

export function net(round: string, outcome: Outcome = 'committed'): Step {
  const body = { round, until: time(2 * day), statements: [statement] };
  return step('settle.net', { by: 'insurer: acc-sun', body, outcome });
}

export function agree(round: string, outcome: Outcome = 'committed'): Step {
  return step('settle.agree', { by: 'pharmacy: acc-zhou', body: { round, net: total }, outcome });
}

export function transfer(round: string, outcome: Outcome = 'committed'): Step {
  const body = { round, to: 'pharmacy', amount: total, paymentRef: 'transfer-1' };
  return step('settle.transfer', { by: 'insurer: acc-sun', body, outcome });
}
