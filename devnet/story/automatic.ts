/** An insurer that answers by itself: the example application of devnet/adjudicator/, at the insurer's own node. */
import { join } from 'node:path';
import type { ActionKind } from '../../protocol/action.ts';
import type { TransactionResult } from '../../node/rpc/contract.ts';
import { runAdjudicator } from '../adjudicator/adjudicator.ts';
import type { BenefitTable } from '../adjudicator/benefitTable.ts';
import { cursorFile } from '../adjudicator/cursorFile.ts';
import type { PatientDocument } from '../documents.ts';
import { act } from './act.ts';
import { askInsurer, payOwnPart, submit } from './claim.ts';
import { dispense, issue, itemId, reserve, review, type Issued } from './prescription.ts';
import { tellFact, tellWrite, type Stage } from './step.ts';

const table: BenefitTable = {
  classes: { ordinary: { sharePercent: 80, copay: 300, unitPriceMax: 300 } },
  claimCoveredMax: 4_000,
  disputeReason: 'aboveCeiling',
};

const answerMsMax = 30_000;

/**
 * An ordinary claim, one that came while the program did not run and is too high, and one that its table does not know. Gives what this
 * adds to the next statement of the pair, entry by entry.
 */
export async function tellAutomaticAdjudicator(
  stage: Stage,
  document: PatientDocument,
): Promise<readonly number[]> {
  const first = await reserved(stage, document);
  const program = await startProgram(stage);
  try {
    await tellAccepted(stage, first);
  } finally {
    await program.stop();
  }
  const second = await reserved(stage, document);
  const price = 9_000;
  const claimId = await askInsurer(stage, second, { price });
  const again = await startProgram(stage);
  try {
    await tellDisputed(stage, second, { claimId, price });
    await tellUnknown(stage, document);
  } finally {
    await again.stop();
  }
  return [2_100, 4_000];
}

async function reserved(stage: Stage, document: PatientDocument): Promise<Issued> {
  const issued = await issue(stage, document, { class: 'ordinary' });
  await reserve(stage, issued);
  return issued;
}

/** Resolves when it reads events. What it has read is kept in a file, so a later one goes on where this one stops. */
async function startProgram(stage: Stage): Promise<{ readonly stop: () => Promise<void> }> {
  const controller = new AbortController();
  let isReading = (): void => undefined;
  const reading = new Promise<void>((resolve) => {
    isReading = resolve;
  });
  const run = runAdjudicator({
    client: stage.devnet.client('insurer'),
    table,
    practitioner: 'adjudicator-zhao',
    cursors: cursorFile(join(stage.stampDirectory, 'adjudicator.cursor')),
    onReport: ({ kind }) => {
      if (kind === 'began') isReading();
    },
    signal: controller.signal,
  });
  const stop = async (): Promise<void> => {
    controller.abort();
    const ended = await run;
    if (!ended.ok) throw new Error(`the adjudicator did not begin: ${ended.refusal.code}`);
  };
  await Promise.race([reading, run]);
  return { stop };
}

async function tellAccepted(stage: Stage, issued: Issued): Promise<void> {
  const claimId = await askInsurer(stage, issued);
  const title = 'insurer: a program covers 2100 by its benefit table, and leaves 900 to the patient';
  await tellAnswer(stage, { title, claimId, kind: 'claim.adjudicate' });
  await tellParts(stage, claimId, '2100 and 900');
  await payOwnPart(stage, claimId, { amount: 900 });
  const eventId = await dispense(stage, issued);
  await submit(stage, { claimId, eventIds: [eventId] });
  await tellAnswer(stage, {
    title: 'insurer: the program accepts what it had adjudicated',
    claimId,
    kind: 'claim.accept',
  });
}

async function tellDisputed(
  stage: Stage,
  issued: Issued,
  { claimId, price }: { readonly claimId: string; readonly price: number },
): Promise<void> {
  const title = 'insurer: the program, started again, answers what was asked meanwhile';
  await tellAnswer(stage, { title, claimId, kind: 'claim.adjudicate' });
  await tellParts(stage, claimId, '4500 and 4500');
  await payOwnPart(stage, claimId, { amount: 4_500 });
  const eventId = await dispense(stage, issued);
  await submit(stage, { claimId, eventIds: [eventId] }, { price });
  await tellAnswer(stage, {
    title: 'insurer: the program disputes a claim above its ceiling, and offers 4000',
    claimId,
    kind: 'claim.dispute',
  });
  const acceptTitle = 'pharmacist-wang accepts the offer';
  await act(stage, { title: acceptTitle, kind: 'claim.accept', member: 'pharmacy' }, (client) =>
    client.call('claim_accept', { practitioner: 'pharmacist-wang', claimId, covered: 4_000 }),
  );
}

async function tellUnknown(stage: Stage, document: PatientDocument): Promise<void> {
  const issued = await issue(stage, document, { class: 'antibiotic' });
  await review(stage, issued);
  await reserve(stage, issued);
  const claimId = await askInsurer(stage, issued);
  const title = 'insurer: the program says at once that its table does not know antibiotics';
  await tellAnswer(stage, { title, claimId, kind: 'claim.adjudicate' });
  await tellFact(stage, { title: 'pharmacy: looks at the claim', expected: 'unknown' }, async () => {
    const { claim } = await stage.devnet.client('pharmacy').call('claim_get', { claimId });
    return claim.status;
  });
}

async function tellParts(stage: Stage, claimId: string, expected: string): Promise<void> {
  const title = "pharmacy: looks at the insurer's part and the patient's";
  await tellFact(stage, { title, expected }, async () => {
    const { claim } = await stage.devnet.client('pharmacy').call('claim_get', { claimId });
    const line = claim.adjudication?.lines.find((one) => one.itemId === itemId);
    return `${line?.covered} and ${line?.patientPays}`;
  });
}

interface Awaited {
  readonly title: string;
  readonly claimId: string;
  readonly kind: ActionKind;
}

/** Nobody in the story does it: the pharmacy only waits for the event. */
async function tellAnswer(stage: Stage, { title, claimId, kind }: Awaited): Promise<void> {
  await tellWrite(stage, { title, kind, member: 'pharmacy', expected: 'committed' }, () =>
    answerOf(stage, claimId, kind),
  );
}

async function answerOf(stage: Stage, claimId: string, kind: ActionKind): Promise<TransactionResult> {
  const pharmacy = stage.devnet.client('pharmacy');
  const filter = { kinds: [kind], subject: claimId };
  const deadline = performance.now() + answerMsMax;
  let cursor = '0.0';
  while (performance.now() < deadline) {
    const page = await pharmacy.call('event_poll', { cursor, filter, waitMs: 1_000 });
    const [event] = page.items;
    if (event !== undefined) return pharmacy.call('tx_status', { txId: event.txId });
    cursor = page.nextCursor;
  }
  throw new Error(`no ${kind} within ${answerMsMax} ms`);
}
