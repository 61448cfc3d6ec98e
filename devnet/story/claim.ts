/** The money of one prescription, and the statement of the pair: the patient pays their own part, the insurer the rest. */
import type { MethodParams } from '../../node/rpc/contract.ts';
import { act } from './act.ts';
import { firstPharmacy, itemId, newId, unitsPrescribed, type Issued, type Pharmacy } from './prescription.ts';
import { tellFact, tellWrite, type Stage, type WriteOutcome } from './step.ts';

/** Minor units of the currency, for all units of the one line. */
const usualPrice = 3_000;
export const patientPays = 600;
export const covered: number = usualPrice - patientPays;

export interface ClaimChoice {
  /** The first pharmacy when absent. */
  readonly at?: Pharmacy;
  readonly price?: number;
}

function linesOf(price: number): MethodParams<'claim_submit'>['lines'] {
  return [{ itemId, units: unitsPrescribed, price }];
}

/** Gives the claimId. */
export async function askInsurer(stage: Stage, { rxId }: Issued, choice: ClaimChoice = {}): Promise<string> {
  const { at = firstPharmacy, price = usualPrice } = choice;
  const claimId = newId();
  const title = `${at.pharmacist} asks the insurer what it covers of ${price}`;
  await act(stage, { title, kind: 'claim.estimate', member: at.member }, (client) =>
    client.call('claim_estimate', {
      practitioner: at.pharmacist,
      claimId,
      rxId,
      k: 0,
      insurer: 'insurer',
      lines: linesOf(price),
      total: price,
    }),
  );
  return claimId;
}

/** Estimate and adjudication by a person, before hand-over. Gives the claimId. */
export async function estimate(stage: Stage, issued: Issued, choice: ClaimChoice = {}): Promise<string> {
  const claimId = await askInsurer(stage, issued, choice);
  const title = `adjudicator-zhao covers ${covered}, the patient pays ${patientPays}`;
  await act(stage, { title, kind: 'claim.adjudicate', member: 'insurer' }, (client) =>
    client.call('claim_adjudicate', {
      practitioner: 'adjudicator-zhao',
      claimId,
      outcome: 'approve',
      lines: [{ itemId, covered, patientPays, code: 'standard' }],
    }),
  );
  return claimId;
}

export interface PayChoice {
  readonly at?: Pharmacy;
  readonly amount?: number;
}

export async function payOwnPart(stage: Stage, claimId: string, choice: PayChoice = {}): Promise<void> {
  const { at = firstPharmacy, amount = patientPays } = choice;
  const title = `the patient pays ${amount}, their own part`;
  await act(stage, { title, kind: 'claim.pay', member: at.member }, (client) =>
    client.call('claim_pay', {
      practitioner: at.pharmacist,
      claimId,
      patientPaid: amount,
      payments: [{ method: 'cash', amount }],
    }),
  );
}

export interface Supplied {
  readonly claimId: string;
  readonly eventIds: readonly string[];
}

export async function submit(
  stage: Stage,
  { claimId, eventIds }: Supplied,
  choice: ClaimChoice = {},
): Promise<void> {
  const { at = firstPharmacy, price = usualPrice } = choice;
  const title = `${at.pharmacist} claims what was dispensed`;
  await act(stage, { title, kind: 'claim.submit', member: at.member }, (client) =>
    client.call('claim_submit', {
      practitioner: at.pharmacist,
      claimId,
      eventIds,
      lines: linesOf(price),
      total: price,
    }),
  );
}

/** Claims what was dispensed; the insurer accepts it. */
export async function claim(stage: Stage, supplied: Supplied, choice: ClaimChoice = {}): Promise<void> {
  await submit(stage, supplied, choice);
  const { claimId } = supplied;
  const title = 'adjudicator-zhao accepts the claim';
  await act(stage, { title, kind: 'claim.accept', member: 'insurer' }, (client) =>
    client.call('claim_accept', { practitioner: 'adjudicator-zhao', claimId, covered }),
  );
}

const pair = { insurer: 'insurer', pharmacy: 'pharmacy' };
const period = '2026-01';

type Statement = Omit<MethodParams<'settle_confirm'>, 'practitioner'>;

/** One statement over all claims: proposed by the insurer, confirmed by the pharmacy, paid. */
export async function settle(stage: Stage, claimIds: readonly string[]): Promise<void> {
  const insurer = stage.devnet.client('insurer');
  const total = covered * claimIds.length;
  const expected = `${claimIds.length} claims, ${total}`;
  const title = 'insurer: sees what is open between it and the pharmacy, as every node sums it up';
  await tellFact(stage, { title, expected }, async () => {
    const { position } = await insurer.call('settle_position', pair);
    return `${position.count} claims, ${position.total}`;
  });
  const { position } = await insurer.call('settle_position', pair);
  const { count, claimsRoot } = position;
  const sums = { count, total: position.total, claimsRoot };
  const statement: Statement = { ...pair, period, sums };
  await propose(
    stage,
    { ...statement, sums: { ...sums, total: sums.total - 1 } },
    'refused: statementMismatch',
  );
  await propose(stage, statement, 'committed');
  await tellWrite(
    stage,
    {
      title: 'pharmacy: accountant-zhou confirms the statement',
      kind: 'settle.confirm',
      member: 'pharmacy',
      expected: 'committed',
    },
    () =>
      stage.devnet
        .client('pharmacy')
        .call('settle_confirm', { practitioner: 'accountant-zhou', ...statement }),
  );
  await tellWrite(
    stage,
    {
      title: `insurer: accountant-sun has paid ${sums.total}`,
      kind: 'settle.paid',
      member: 'insurer',
      expected: 'committed',
    },
    () =>
      insurer.call('settle_paid', {
        practitioner: 'accountant-sun',
        ...pair,
        period,
        total: sums.total,
        paymentRef: 'transfer-1',
      }),
  );
}

async function propose(stage: Stage, statement: Statement, expected: WriteOutcome): Promise<void> {
  const what = expected === 'committed' ? 'the statement' : 'a statement that is one short';
  const title = `insurer: accountant-sun proposes ${what}`;
  await tellWrite(stage, { title, kind: 'settle.propose', member: 'insurer', expected }, () =>
    stage.devnet.client('insurer').call('settle_propose', { practitioner: 'accountant-sun', ...statement }),
  );
}
