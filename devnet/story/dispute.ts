/** Two sides that do not agree at once, and a part of a claim that goes back with the medicine. */
import type { PatientDocument } from '../documents.ts';
import { act } from './act.ts';
import { estimate, payOwnPart, submit } from './claim.ts';
import { dispense, issue, itemId, reserve, type Issued } from './prescription.ts';
import { tellFact, type Stage, type WriteOutcome } from './step.ts';

const half = 10;
const agreed = 2_200;
const givenBack = 1_100;

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
  await giveBackHalf(stage, claimed);
  await tellPositions(stage, acceptedHeight);
  return [agreed, -givenBack];
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

/** Medicine and money go back together: what is claimed cannot be withdrawn, what was withdrawn cannot be claimed. */
async function giveBackHalf(stage: Stage, { issued, claimId, secondEventId }: Claimed): Promise<void> {
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
  await act(stage, { title, kind: 'claim.reverse', member: 'pharmacy' }, (client) =>
    client.call('claim_reverse', {
      practitioner: 'pharmacist-wang',
      claimId,
      reason: 'returned',
      lines: [{ itemId, units: half, covered: givenBack, patientPays: 300 }],
      eventIds: [secondEventId],
    }),
  );
  await withdraw('committed', 'pharmacist-wang takes that supply back');
}

/** The ledger can be asked about any height. */
async function tellPositions(stage: Stage, acceptedHeight: number): Promise<void> {
  const pair = { insurer: 'insurer', pharmacy: 'pharmacy' };
  const title =
    'pharmacy: what the dispute added to what is open, and what went back, by looking at three heights';
  await tellFact(stage, { title, expected: `${agreed} and ${-givenBack}` }, async () => {
    const pharmacy = stage.devnet.client('pharmacy');
    const totalAt = async (height?: number): Promise<number> => {
      const at = height === undefined ? {} : { height };
      return (await pharmacy.call('settle_position', { ...pair, ...at })).position.total;
    };
    const [before, after, now] = [
      await totalAt(acceptedHeight - 1),
      await totalAt(acceptedHeight),
      await totalAt(),
    ];
    return `${after - before} and ${now - after}`;
  });
}
