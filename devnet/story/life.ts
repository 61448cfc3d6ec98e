/** The whole life of every prescription of the patients' bundles, from the doctor's issue to the settlement. */
import type { PatientDocument } from '../documents.ts';
import { claim, estimate, payOwnPart, settle } from './claim.ts';
import { deliver, receive, ship, type Confirmation } from './delivery.ts';
import { dispense, issue, open, openedAs, reserve, review, type Issued } from './prescription.ts';
import { tellBroken, tellFact, tellTogether, type Stage, type StoryStep } from './step.ts';

/** How a prescription reaches the patient. */
interface Handover {
  readonly mode: 'counter' | 'courier';
  readonly confirmation: Confirmation;
}

// The first by courier and code, the next by courier and token, then both ways at the counter.
const handovers: readonly [Handover, ...Handover[]] = [
  { mode: 'courier', confirmation: 'receiptCode' },
  { mode: 'courier', confirmation: 'token' },
  { mode: 'counter', confirmation: 'receiptCode' },
  { mode: 'counter', confirmation: 'token' },
];

export interface Lived {
  readonly issued: Issued;
  readonly claimId: string;
}

/** Tells the first life step by step, and the others, lived at the same time, as one step. */
export async function tellLives(
  stage: Stage,
  documents: readonly PatientDocument[],
): Promise<readonly Lived[]> {
  const [first, ...others] = documents;
  if (first === undefined) throw new Error('no prescriptions in the bundles');
  const lived = await live(stage, first, handovers[0]);
  const steps: StoryStep[] = [];
  const quiet: Stage = { ...stage, onStep: (step) => steps.push(step) };
  const lives = await Promise.allSettled(
    others.map(async (document, index) =>
      live(quiet, document, handovers[(index + 1) % handovers.length] ?? handovers[0]),
    ),
  );
  for (const life of lives) if (life.status === 'rejected') tellBroken(quiet, life.reason);
  tellTogether(stage, `The other ${others.length} prescriptions, all at once, the same way`, steps);
  const all = [lived, ...lives.flatMap((life) => (life.status === 'fulfilled' ? [life.value] : []))];
  await tellReopening(stage, all);
  return all;
}

async function live(stage: Stage, document: PatientDocument, handover: Handover): Promise<Lived> {
  const issued = await issue(stage, document);
  if (issued.isReviewed) await review(stage, issued);
  await reserve(stage, issued, { mode: handover.mode });
  await open(stage, issued);
  const claimId = await estimate(stage, issued);
  const eventId = await dispense(stage, issued);
  await payOwnPart(stage, claimId);
  await handOver(stage, issued, handover);
  await claim(stage, { claimId, eventIds: [eventId] });
  return { issued, claimId };
}

async function handOver(stage: Stage, issued: Issued, { mode, confirmation }: Handover): Promise<void> {
  if (mode === 'counter') {
    await receive(stage, issued, { parcelId: null, confirmation });
    return;
  }
  const parcelId = await ship(stage, issued);
  await deliver(stage, parcelId);
  await receive(stage, issued, { parcelId, confirmation });
}

/** Whoever supplied a prescription may read it later, too. */
async function tellReopening(stage: Stage, lives: readonly Lived[]): Promise<void> {
  const title = 'pharmacy: opens all the prescriptions that it supplied';
  const expected = `${lives.length} times the same FHIR JSON`;
  await tellFact(stage, { title, expected }, async () => {
    const areSame = await Promise.all(lives.map(async ({ issued }) => openedAs(stage, issued)));
    return `${areSame.filter(Boolean).length} times the same FHIR JSON`;
  });
}

/** The statement over all lives, and what every node then says of them. */
export async function tellSettlement(stage: Stage, lives: readonly Lived[]): Promise<void> {
  await settle(
    stage,
    lives.map(({ claimId }) => claimId),
  );
  const title = 'insurer: looks at all prescriptions and claims';
  const expected = `${lives.length} dispensed, received and paid`;
  await tellFact(stage, { title, expected }, async () => {
    const areDone = await Promise.all(lives.map(async (lived) => isDone(stage, lived)));
    return `${areDone.filter(Boolean).length} dispensed, received and paid`;
  });
}

async function isDone(stage: Stage, { issued, claimId }: Lived): Promise<boolean> {
  const insurer = stage.devnet.client('insurer');
  const [{ prescription }, { claim }] = await Promise.all([
    insurer.call('rx_get', { rxId: issued.rxId }),
    insurer.call('claim_get', { claimId }),
  ]);
  const isReceived = prescription.fills.every((fill) =>
    fill.events.every((event) => event.receivedAt !== null),
  );
  return isReceived && prescription.fills[0]?.status === 'dispensed' && claim.status === 'paid';
}
