/** The next period: one pharmacy gets, the other owes what it gave back, and one round of netting settles both. */
import type { MethodParams, MethodResult } from '../../node/rpc/contract.ts';
import type { PatientDocument } from '../documents.ts';
import { act } from './act.ts';
import { claim, covered, estimate, patientPays, payOwnPart } from './claim.ts';
import { dispense, inMs, issue, itemId, reserve, secondPharmacy, unitsPrescribed } from './prescription.ts';
import { waitForHeight } from './height.ts';
import { tellBroken, tellFact, tellTogether, type Stage, type StoryStep } from './step.ts';

const at = secondPharmacy;
const firstPeriod = '2026-01';
const period = '2026-02';
const round = 'clearing-2026-02';
const roundMs = 86_400_000;

type PharmacyName = 'pharmacy' | 'pharmacy-2';
const accountants: Readonly<Record<PharmacyName, string>> = {
  pharmacy: 'accountant-zhou',
  'pharmacy-2': 'accountant-xu',
};

/** `entries` are those of the insurer and the first pharmacy since their last statement. */
export async function tellNetting(
  stage: Stage,
  document: PatientDocument,
  entries: readonly number[],
): Promise<void> {
  const claimId = await tellTakenBack(stage, document);
  const total = entries.reduce((sum, amount) => sum + amount, 0);
  await state(stage, 'pharmacy', { period, total });
  await state(stage, 'pharmacy-2', { period, total: -covered });
  await tellCsv(stage, entries);
  await tellReconciliation(stage, claimId);
  await tellRound(stage, total);
}

/** A claim of the second pharmacy that was paid for in one period and is reversed in the next. Gives its id. */
async function tellTakenBack(stage: Stage, document: PatientDocument): Promise<string> {
  const steps: StoryStep[] = [];
  const quiet: Stage = { ...stage, onStep: (step) => steps.push(step) };
  let supplied = { claimId: '', eventId: '' };
  try {
    supplied = await claimAndSettle(quiet, document);
  } catch (error) {
    tellBroken(quiet, error);
  }
  tellTogether(stage, 'pharmacy-2: a claim from the issue to the paid statement', steps);
  const { claimId, eventId } = supplied;
  const title = `${at.pharmacist} reverses the whole claim a period later`;
  await act(stage, { title, kind: 'claim.reverse', member: at.member }, (client) =>
    client.call('claim_reverse', {
      practitioner: at.pharmacist,
      claimId,
      reason: 'audit',
      lines: [{ itemId, units: unitsPrescribed, covered, patientPays }],
      eventIds: [eventId],
    }),
  );
  return claimId;
}

async function claimAndSettle(
  stage: Stage,
  document: PatientDocument,
): Promise<{ readonly claimId: string; readonly eventId: string }> {
  const issued = await issue(stage, document, { class: 'ordinary' });
  await reserve(stage, issued, { at });
  const claimId = await estimate(stage, issued, { at });
  await payOwnPart(stage, claimId, { at });
  const eventId = await dispense(stage, issued, { at });
  await claim(stage, { claimId, eventIds: [eventId] }, { at });
  await state(stage, at.member, { period: firstPeriod, total: covered });
  await act(stage, { title: 'accountant-sun has paid', kind: 'settle.paid', member: 'insurer' }, (client) =>
    client.call('settle_paid', {
      practitioner: 'accountant-sun',
      ...pairOf(at.member),
      period: firstPeriod,
      total: covered,
      paymentRef: 'transfer-2',
    }),
  );
  return { claimId, eventId };
}

function pairOf(pharmacy: PharmacyName): { readonly insurer: string; readonly pharmacy: string } {
  return { insurer: 'insurer', pharmacy };
}

/** Proposed over whatever is open, looked at, and confirmed. */
async function state(
  stage: Stage,
  pharmacy: PharmacyName,
  { period, total }: { readonly period: string; readonly total: number },
): Promise<void> {
  const key = { ...pairOf(pharmacy), period };
  const accountant = accountants[pharmacy];
  const proposal = `accountant-sun proposes the statement of ${period} to ${pharmacy}, over whatever is open`;
  const proposed = await act(
    stage,
    { title: proposal, kind: 'settle.propose', member: 'insurer' },
    (client) => client.call('settle_propose', { practitioner: 'accountant-sun', ...key, sums: null }),
  );
  await act(
    stage,
    { title: `${accountant} confirms it: ${total}`, kind: 'settle.confirm', member: pharmacy },
    async (client) => {
      await waitForHeight(stage, pharmacy, proposed.height ?? 0);
      const { statement } = await client.call('settle_statement', key);
      const { count, claimsRoot } = statement;
      // What the accountant expects, not what the statement says.
      return client.call('settle_confirm', {
        practitioner: accountant,
        ...key,
        sums: { count, total, claimsRoot },
      });
    },
  );
}

async function tellCsv(stage: Stage, entries: readonly number[]): Promise<void> {
  const title = `pharmacy: reads the statement of ${period} as CSV`;
  const expected = ['amount', ...entries].join(' ');
  await tellFact(stage, { title, expected }, async () => {
    const key = { ...pairOf('pharmacy'), period };
    const { csv } = await stage.devnet.client('pharmacy').call('settle_statement', { ...key, format: 'csv' });
    const rows = (csv ?? '').split('\r\n').filter((row) => row !== '');
    return rows.map((row) => row.split(',').at(-1)).join(' ');
  });
}

/** The books of the second pharmacy, first as they are, then with the reversal forgotten. */
async function tellReconciliation(stage: Stage, claimId: string): Promise<void> {
  type Books = MethodParams<'settle_reconcile'>['claims'];
  const compare = async (period: string, claims: Books): Promise<MethodResult<'settle_reconcile'>> =>
    stage.devnet.client(at.member).call('settle_reconcile', { ...pairOf(at.member), period, claims });
  const goodTitle = `${at.member}: compares its books of ${firstPeriod} with the ledger`;
  await tellFact(stage, { title: goodTitle, expected: 'equal' }, async () => {
    const { isEqual, difference } = await compare(firstPeriod, [{ claimId, covered }]);
    return isEqual ? 'equal' : `${difference} off`;
  });
  const badTitle = `${at.member}: compares its books of ${period}, in which the reversal is missing`;
  const expected = `${covered} more than on the ledger: notInBooks ${-covered}`;
  await tellFact(stage, { title: badTitle, expected }, async () => {
    const { difference, items } = await compare(period, []);
    return `${difference} more than on the ledger: ${items.map((one) => `${one.kind} ${one.ledger}`).join(', ')}`;
  });
}

/** The second pharmacy owes the insurer, and the insurer the first pharmacy: the debt goes straight to whom it is due. */
async function tellRound(stage: Stage, total: number): Promise<void> {
  const statements = [
    { ...pairOf('pharmacy'), period },
    { ...pairOf('pharmacy-2'), period },
  ];
  const title = 'accountant-sun proposes to net both statements in one round';
  await act(stage, { title, kind: 'settle.net', member: 'insurer' }, (client) =>
    client.call('settle_net', {
      practitioner: 'accountant-sun',
      round,
      until: inMs(roundMs),
      statements,
    }),
  );
  await agree(stage, 'pharmacy', total);
  const agreedHeight = await agree(stage, 'pharmacy-2', -covered);
  const rest = total - covered;
  const expected = `insurer pays pharmacy ${rest}, pharmacy-2 pays pharmacy ${covered}`;
  await tellFact(stage, { title: 'all: who pays whom in the end', expected }, async () => {
    await waitForHeight(stage, 'courier', agreedHeight);
    const { round: found } = await stage.devnet.client('courier').call('settle_round', { round });
    return found.transfers.map(({ from, to, amount }) => `${from} pays ${to} ${amount}`).join(', ');
  });
  await transfer(stage, { member: 'insurer', practitioner: 'accountant-sun', amount: rest });
  const paid = { member: 'pharmacy-2', practitioner: 'accountant-xu', amount: covered };
  const paidHeight = await transfer(stage, paid);
  await tellFact(
    stage,
    { title: 'pharmacy: both statements, after the last transfer', expected: 'paid, paid' },
    async () => {
      await waitForHeight(stage, 'pharmacy', paidHeight);
      const client = stage.devnet.client('pharmacy');
      const found = await Promise.all(statements.map((key) => client.call('settle_statement', key)));
      return found.map(({ statement }) => statement.status).join(', ');
    },
  );
}

/** Gives the height of the block with the outcome. */
async function agree(stage: Stage, member: PharmacyName, net: number): Promise<number> {
  const practitioner = accountants[member];
  const title = `${practitioner} agrees to ${net < 0 ? `owe ${-net}` : `get ${net}`}`;
  const { height } = await act(stage, { title, kind: 'settle.agree', member }, (client) =>
    client.call('settle_agree', { practitioner, round, net }),
  );
  return height ?? 0;
}

interface Payment {
  readonly member: string;
  readonly practitioner: string;
  readonly amount: number;
}

/** Gives the height of the block with the outcome. */
async function transfer(stage: Stage, { member, practitioner, amount }: Payment): Promise<number> {
  const title = `${practitioner} has paid ${amount} to pharmacy`;
  const { height } = await act(stage, { title, kind: 'settle.transfer', member }, (client) =>
    client.call('settle_transfer', {
      practitioner,
      round,
      to: 'pharmacy',
      amount,
      paymentRef: `clearing-${member}`,
    }),
  );
  return height ?? 0;
}
