/** Two sides that do not agree at once, and a part of a claim that goes back with the medicine. */
import type { PatientDocument } from '../documents.ts';
import { act } from './act.ts';
import { estimate, payOwnPart, submit } from './claim.ts';
import { signatureOnly } from './delivery.ts';
import { dispense, issue, itemId, reserve, type Issued } from './prescription.ts';
import { tellFact, type Stage, type WriteOutcome } from './step.ts';

const half = 10;
const agreed = 2_200;
const givenBack = 1_100;
const recouped = 200;

interface Claimed {
  readonly issued: Issued;
  readonly claimId: string;
  /** Of the second of two supplies. */
  readonly secondEventId: string;
}

/** Gives what this adds to the next statement of the pair, entry by entry. */
export async function tellDispute(stage: Stage, document: PatientDocument): Promise<readonly number[]> {
  const claimed = await claimTwoSupplies(stage, document);
  const { claimId } = claimed;
  await offer(stage, claimId, { member: 'insurer', practitioner: 'adjudicator-zhao', covered: 2_000 });
  await offer(stage, claimId, { member: 'pharmacy', practitioner: 'pharmacist-wang', covered: agreed });
  await accept(stage, claimId, { covered: 2_000, expected: 'refused: amountMismatch' });
  const acceptedHeight = await accept(stage, claimId, { covered: agreed, expected: 'committed' });
  const reversedHeight = await giveBackHalf(stage, claimed);
  await recoup(stage, claimId);
  await tellPositions(stage, { acceptedHeight, reversedHeight });
  return [agreed, -givenBack, -recouped];
}

async function claimTwoSupplies(stage: Stage, document: PatientDocument): Promise<Claimed> {
  const issued = await issue(stage, document, { class: 'ordinary' });
  await reserve(stage, issued);
  const claimId = await estimate(stage, issued);
  await payOwnPart(stage, claimId);
  const firstEventId = await dispense(stage, issued, { units: half });
  const secondEventId = await dispense(stage, issued, { units: half });
  await submit(stage, { claimId, eventIds: [firstEventId, secondEventId] });
  return { issued, claimId, secondEventId };
}

interface Offer {
  readonly member: string;
  readonly practitioner: string;
  readonly covered: number;
}

async function offer(stage: Stage, claimId: string, { member, practitioner, covered }: Offer): Promise<void> {
  const title = `${practitioner} would settle it for ${covered}`;
  await act(stage, { title, kind: 'claim.dispute', member }, (client) =>
    client.call('claim_dispute', {
      practitioner,
      claimId,
      reason: 'priceList',
      lines: [{ itemId, covered }],
    }),
  );
}

/** Gives the height of the block with the outcome. */
async function accept(
  stage: Stage,
  claimId: string,
  { covered, expected }: { readonly covered: number; readonly expected: WriteOutcome },
): Promise<number> {
  const title = `adjudicator-zhao accepts ${covered}`;
  const { height } = await act(
    stage,
    { title, kind: 'claim.accept', member: 'insurer', expected },
    (client) => client.call('claim_accept', { practitioner: 'adjudicator-zhao', claimId, covered }),
  );
  return height ?? 0;
}

/**
 * Medicine and money go back together: what is claimed cannot be withdrawn, what was withdrawn cannot be claimed. Gives the height of the
 * block in which the money went back.
 */
async function giveBackHalf(stage: Stage, { issued, claimId, secondEventId }: Claimed): Promise<number> {
  const withdraw = async (expected: WriteOutcome, title: string): Promise<void> => {
    await act(stage, { title, kind: 'fill.withdraw', member: 'pharmacy', expected }, (client) =>
      client.call('fill_withdraw', {
        practitioner: 'pharmacist-wang',
        rxId: issued.rxId,
        k: 0,
        eventId: secondEventId,
        restockedHashes: [],
        reason: 'returned',
      }),
    );
  };
  await withdraw('refused: dispenseEventClaimed', 'pharmacist-wang takes back a supply that is claimed');
  const title = `pharmacist-wang reverses the claim for half of the units: ${givenBack} to the insurer, 300 to the patient`;
  const { height } = await act(stage, { title, kind: 'claim.reverse', member: 'pharmacy' }, (client) =>
    client.call('claim_reverse', {
      practitioner: 'pharmacist-wang',
      claimId,
      reason: 'returned',
      lines: [{ itemId, units: half, covered: givenBack, patientPays: 300 }],
      eventIds: [secondEventId],
    }),
  );
  await withdraw('committed', 'pharmacist-wang takes that supply back');
  return height ?? 0;
}

/** Money only, after an audit, and not against the pharmacy's will: one act, signed at the nodes of both. */
async function recoup(stage: Stage, claimId: string): Promise<void> {
  const kind = 'claim.recoup';
  const body = { claimId, reason: 'audit', lines: [{ itemId, covered: recouped }] };
  const alone = 'adjudicator-zhao takes back an overpayment alone';
  const expected = 'refused: wrongSigners';
  await act(stage, { title: alone, kind, member: 'insurer', expected }, (client) =>
    client.call('claim_recoup', { practitioner: 'adjudicator-zhao', ...body }),
  );
  const title = `adjudicator-zhao takes back ${recouped} after an audit, and pharmacist-wang signs it, too`;
  await act(stage, { title, kind, member: 'insurer' }, async (insurer) => {
    const { payload } = await insurer.call('tx_build', { kind, body });
    const signatures = await Promise.all([
      insurer.call('tx_sign', { practitioner: 'adjudicator-zhao', payload }),
      stage.devnet.client('pharmacy').call('tx_sign', { practitioner: 'pharmacist-wang', payload }),
    ]);
    return insurer.call('tx_submit', { payload, signatures: signatures.map(signatureOnly) });
  });
}

interface Heights {
  /** Of the block with the accepted amount. */
  readonly acceptedHeight: number;
  /** Of the block in which half of it went back; what was taken back in the audit came later. */
  readonly reversedHeight: number;
}

/** The ledger can be asked about any height. */
async function tellPositions(stage: Stage, { acceptedHeight, reversedHeight }: Heights): Promise<void> {
  const pair = { insurer: 'insurer', pharmacy: 'pharmacy' };
  const title =
    'insurer: what the dispute, the return and the audit did to what is open, by looking at four heights';
  const expected = [agreed, -givenBack, -recouped].join(', ');
  await tellFact(stage, { title, expected }, async () => {
    const insurer = stage.devnet.client('insurer');
    const totalAt = async (height?: number): Promise<number> => {
      const at = height === undefined ? {} : { height };
      return (await insurer.call('settle_position', { ...pair, ...at })).position.total;
    };
    const before = await totalAt(acceptedHeight - 1);
    const accepted = await totalAt(acceptedHeight);
    const reversed = await totalAt(reversedHeight);
    const now = await totalAt();
    return [accepted - before, reversed - accepted, now - reversed].join(', ');
  });
}
