/** The money of one prescription, and the statement of the pair: the patient pays their own part, the insurer the rest. */
import type { MethodParams } from '../../node/rpc/contract.ts';
import { itemId, newId, unitsPrescribed, type Issued } from './prescription.ts';
import { tellFact, tellWrite, type Stage, type WriteOutcome } from './step.ts';

/** Minor units of the currency, for all units of the one line. */
const price = 3_000;
const patientPays = 600;
const covered: number = price - patientPays;

const lines = [{ itemId, units: unitsPrescribed, price }];

/** Estimate and adjudication, before hand-over. Gives the claimId. */
export async function estimate(stage: Stage, { rxId }: Issued): Promise<string> {
  const claimId = newId();
  await tellWrite(
    stage,
    {
      title: `pharmacy: pharmacist-wang asks the insurer what it covers of ${price}`,
      kind: 'claim.estimate',
      member: 'pharmacy',
      expected: 'committed',
    },
    () =>
      stage.devnet.client('pharmacy').call('claim_estimate', {
        practitioner: 'pharmacist-wang',
        claimId,
        rxId,
        k: 0,
        insurer: 'insurer',
        lines,
        total: price,
      }),
  );
  await tellWrite(
    stage,
    {
      title: `insurer: adjudicator-zhao covers ${covered}, the patient pays ${patientPays}`,
      kind: 'claim.adjudicate',
      member: 'insurer',
      expected: 'committed',
    },
    () =>
      stage.devnet.client('insurer').call('claim_adjudicate', {
        practitioner: 'adjudicator-zhao',
        claimId,
        outcome: 'approve',
        lines: [{ itemId, covered, patientPays, code: 'standard' }],
      }),
  );
  return claimId;
}

export async function payOwnPart(stage: Stage, claimId: string): Promise<void> {
  const title = `pharmacy: the patient pays ${patientPays}, their own part`;
  await tellWrite(stage, { title, kind: 'claim.pay', member: 'pharmacy', expected: 'committed' }, () =>
    stage.devnet.client('pharmacy').call('claim_pay', {
      practitioner: 'pharmacist-wang',
      claimId,
      patientPaid: patientPays,
      payments: [{ method: 'cash', amount: patientPays }],
    }),
  );
}

/** Claims what was dispensed; the insurer accepts it. */
export async function claim(
  stage: Stage,
  { claimId, eventId }: { readonly claimId: string; readonly eventId: string },
): Promise<void> {
  const submitTitle = 'pharmacy: pharmacist-wang claims what was dispensed';
  await tellWrite(
    stage,
    { title: submitTitle, kind: 'claim.submit', member: 'pharmacy', expected: 'committed' },
    () =>
      stage.devnet.client('pharmacy').call('claim_submit', {
        practitioner: 'pharmacist-wang',
        claimId,
        eventIds: [eventId],
        lines,
        total: price,
      }),
  );
  const acceptTitle = 'insurer: adjudicator-zhao accepts the claim';
  await tellWrite(
    stage,
    { title: acceptTitle, kind: 'claim.accept', member: 'insurer', expected: 'committed' },
    () =>
      stage.devnet
        .client('insurer')
        .call('claim_accept', { practitioner: 'adjudicator-zhao', claimId, covered }),
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
