/** Claims and settlement: one claim disputed and paid by itself, one netted, both taken back; and one within a house of both trades. */
import type { JsonObject } from '../../../node/rpc/contract.ts';
import { hexOf } from '../../../node/rpc/json.ts';
import type { Amount } from '../../../protocol/brand.ts';
import { sumsOf } from '../../../protocol/settlement.ts';
import { idOf } from '../domain.ts';
import { actsIn } from './acts.ts';
import { day, id, type Setting, type Step } from './step.ts';

/** Minor units: of the first item, of the second. */
const prices = [1_000, 500] as const;
const total = 1_500;
/** Of the first item's price; of the second one the patient pays nothing. */
const ownPart = 200;
const offered = 700;
const agreed = 1_200;

const lines: readonly JsonObject[] = [
  { itemId: 0, units: 30, price: prices[0] },
  { itemId: 1, units: 20, price: prices[1] },
];
const pair = { insurer: 'insurer', pharmacy: 'pharmacy' };
const round = 'round-1';

interface Parties {
  readonly pharmacist: string;
  readonly adjudicator: string;
  readonly insurer: string;
}

const usual: Parties = {
  pharmacist: 'pharmacy: ph-wang',
  adjudicator: 'insurer: adj-wu',
  insurer: 'insurer',
};
const house: Parties = { pharmacist: 'rival: ph-chen', adjudicator: 'rival: adj-he', insurer: 'rival' };

function claimOf(rx: string): JsonObject {
  return { claimId: id(`claim of ${rx}`) };
}

/** From the issue to the claim of all that was dispensed. The patient pays their part if there is one. */
function claimed(
  setting: Setting,
  rx: string,
  input: Parties & { readonly ownPart: number },
): readonly Step[] {
  const { step, issue, reserve, dispense } = actsIn(setting);
  const { pharmacist, adjudicator, insurer } = input;
  const payment = step('claim.pay', {
    by: pharmacist,
    body: {
      ...claimOf(rx),
      patientPaid: input.ownPart,
      payments: [{ method: 'cash', amount: input.ownPart }],
    },
  });
  return [
    issue(rx),
    reserve(rx, { by: pharmacist }),
    step('claim.estimate', {
      by: pharmacist,
      body: { ...claimOf(rx), rxId: id(rx), k: 0, insurer, lines, total },
    }),
    step('claim.adjudicate', {
      by: adjudicator,
      body: {
        ...claimOf(rx),
        outcome: 'approve',
        lines: [
          { itemId: 0, covered: prices[0] - input.ownPart, patientPays: input.ownPart, code: 'tariff' },
          { itemId: 1, covered: prices[1], patientPays: 0, code: 'tariff' },
        ],
      },
    }),
    ...(input.ownPart === 0 ? [] : [payment]),
    dispense(rx, { by: pharmacist }),
    step('claim.submit', {
      by: pharmacist,
      body: { ...claimOf(rx), eventIds: [id(`event of ${rx}`)], lines, total },
    }),
  ];
}

/** What a statement of one acceptance comes to. */
function sumsOfClaim(rx: string, covered: number): JsonObject {
  const entry = { kind: 'accepted', claimId: idOf(`claim of ${rx}`), covered: covered as Amount } as const;
  const { claimsRoot, ...sums } = sumsOf([entry]);
  return { ...sums, claimsRoot: hexOf(claimsRoot) };
}

export function settlement(setting: Setting): readonly Step[] {
  return [...disputed(setting), ...netted(setting), ...takenBack(setting)];
}

function disputed(setting: Setting): readonly Step[] {
  const { step } = actsIn(setting);
  const statement = { ...pair, period: '2026-01' };
  const sums = sumsOfClaim('disputed', agreed);
  return [
    ...claimed(setting, 'disputed', { ...usual, ownPart }),
    step('claim.dispute', {
      by: usual.adjudicator,
      body: {
        ...claimOf('disputed'),
        reason: 'priceList',
        lines: [
          { itemId: 0, covered: offered },
          { itemId: 1, covered: prices[1] },
        ],
      },
    }),
    step('claim.accept', { by: usual.pharmacist, body: { ...claimOf('disputed'), covered: agreed } }),
    step('settle.propose', { by: 'insurer: acc-sun', body: { ...statement, sums: null } }),
    step('settle.dispute', { by: 'pharmacy: acc-zhou', body: { ...statement, reason: 'check' } }),
    step('settle.confirm', { by: 'pharmacy: acc-zhou', body: { ...statement, sums } }),
    step('settle.paid', {
      by: 'insurer: acc-sun',
      body: { ...statement, total: agreed, paymentRef: 'transfer-1' },
    }),
  ];
}

function netted(setting: Setting): readonly Step[] {
  const { step, time } = actsIn(setting);
  const statement = { ...pair, period: '2026-02' };
  const sums = sumsOfClaim('netted', total);
  return [
    ...claimed(setting, 'netted', { ...usual, ownPart: 0 }),
    step('claim.accept', { by: usual.adjudicator, body: { ...claimOf('netted'), covered: total } }),
    step('settle.propose', { by: 'insurer: acc-sun', body: { ...statement, sums } }),
    step('settle.confirm', { by: 'pharmacy: acc-zhou', body: { ...statement, sums } }),
    step('settle.net', {
      by: 'insurer: acc-sun',
      body: { round, until: time(2 * day), statements: [statement] },
    }),
    step('settle.agree', { by: 'pharmacy: acc-zhou', body: { round, net: total } }),
    step('settle.transfer', {
      by: 'insurer: acc-sun',
      body: { round, to: 'pharmacy', amount: total, paymentRef: 'transfer-2' },
    }),
  ];
}

/** After the money: part of the one claim, and all of the other, with its medicine. */
function takenBack(setting: Setting): readonly Step[] {
  const { step, withdraw } = actsIn(setting);
  const back = [
    { itemId: 0, units: 30, covered: offered, patientPays: ownPart },
    { itemId: 1, units: 20, covered: prices[1], patientPays: 0 },
  ];
  return [
    step('claim.recoup', {
      by: 'insurer: adj-wu, pharmacy: ph-wang',
      body: { ...claimOf('netted'), reason: 'audit', lines: [{ itemId: 0, covered: 100 }] },
    }),
    withdraw('disputed', { outcome: 'dispenseEventClaimed' }),
    step('claim.reverse', {
      by: usual.pharmacist,
      body: { ...claimOf('disputed'), reason: 'returned', lines: back, eventIds: [id('event of disputed')] },
    }),
    withdraw('disputed'),
  ];
}

/** A recoupment has two signatures; here one node has both. */
export function ownInsurance(setting: Setting): readonly Step[] {
  const { step } = actsIn(setting);
  return [
    ...claimed(setting, 'within', { ...house, ownPart: 0 }),
    step('claim.accept', { by: house.adjudicator, body: { ...claimOf('within'), covered: total } }),
    step('claim.recoup', {
      by: 'rival: adj-he + ph-chen',
      body: { ...claimOf('within'), reason: 'audit', lines: [{ itemId: 1, covered: 50 }] },
    }),
  ];
}
