/** What the ledger refuses, and what it counts once only: second uses, repeated bytes, parts, cancellations, controlled medicines. */
import type { PatientDocument } from '../documents.ts';
import { receive, signatureOnly } from './delivery.ts';
import {
  cancel,
  dispense,
  giveBack,
  issue,
  newPackHash,
  reserve,
  review,
  secondPharmacy,
  unitsPrescribed,
  type Issued,
} from './prescription.ts';
import { tellError, tellFact, tellWrite, type Stage } from './step.ts';

/** The same code shown to a second pharmacy, after the first supplied everything. */
export async function tellSecondUse(stage: Stage, used: Issued): Promise<void> {
  await reserve(stage, used, {
    at: secondPharmacy,
    title: 'pharmacy-2: pharmacist-liu scans the same code again',
    expected: 'refused: fillNotReady',
  });
  const { rxId, fillSecret } = used;
  const title = 'pharmacy-2: tries to open the sealed prescription with the code';
  await tellError(stage, { title, expected: 'notPermitted' }, async () =>
    stage.devnet.client('pharmacy-2').call('rx_open', { rxId, fillSecret }),
  );
}

/** Three nodes get the same signed bytes at once, a fourth after the commit. */
export async function tellSameBytes(stage: Stage, document: PatientDocument): Promise<void> {
  const { rxId } = await issue(stage, document, { class: 'antibiotic' });
  const hospital = stage.devnet.client('hospital');
  const { payload } = await hospital.call('tx_build', {
    kind: 'rx.review',
    body: { rxId, outcome: 'approve', reason: 'checked' },
  });
  const signed = await hospital.call('tx_sign', { practitioner: 'reviewer-chen', payload });
  const transaction = { payload, signatures: [signatureOnly(signed)] };
  const submit = async (name: string): Promise<string> => {
    const { status, height, index } = await stage.devnet.client(name).call('tx_submit', transaction);
    return `${status} at ${height}.${index}`;
  };
  const atOnce = Promise.all(['hospital', 'clinic', 'insurer'].map(submit));
  // A rejection is told below, by whoever waits for it.
  atOnce.catch(() => null);
  const review = await tellWrite(
    stage,
    {
      title: 'hospital, clinic and insurer: the same signed bytes of a review arrive at all three at once',
      kind: 'rx.review',
      member: 'hospital',
      expected: 'committed',
    },
    () => hospital.call('tx_submit', transaction),
  );
  const expected = `committed at ${review.height}.${review.index}`;
  await tellFact(stage, { title: 'all: one receipt, also for the same bytes later', expected }, async () => {
    const answers = [...(await atOnce), await submit('pharmacy-2')];
    return [...new Set(answers)].join(', ');
  });
  const title = 'hospital: the history of the prescription';
  await tellFact(stage, { title, expected: 'rx.issue, rx.review' }, async () => {
    const { items } = await hospital.call('rx_history', { rxId });
    return items.map(({ kind }) => kind).join(', ');
  });
}

/** A part from each of two pharmacies, and not a unit more. */
export async function tellParts(stage: Stage, document: PatientDocument): Promise<void> {
  const issued = await issue(stage, document, { class: 'ordinary' });
  await reserve(stage, issued);
  await reserve(stage, issued, {
    at: secondPharmacy,
    title: 'pharmacy-2: pharmacist-liu tries to reserve it meanwhile',
    expected: 'refused: fillReserved',
  });
  await dispense(stage, issued, { units: unitsPrescribed + 1, expected: 'refused: quantityExceeded' });
  const packHash = newPackHash();
  const part = 12;
  await dispense(stage, issued, { units: part, packHash });
  await giveBack(stage, issued);
  await reserve(stage, issued, { at: secondPharmacy });
  const rest = unitsPrescribed - part;
  const title = 'pharmacy-2: pharmacist-liu dispenses the rest from a pack that was dispensed before';
  await dispense(stage, issued, {
    at: secondPharmacy,
    units: rest,
    packHash,
    title,
    expected: 'refused: packSpent',
  });
  await dispense(stage, issued, { at: secondPharmacy, units: rest });
  await receive(stage, issued, {
    parcelId: null,
    confirmation: 'receiptCode',
    wrongCode: '0123456789ABCDEF',
    expected: 'refused: receiptCodeWrong',
  });
  await receive(stage, issued, { parcelId: null, confirmation: 'token' });
}

/** One definite answer: cancelled before anything was supplied, too late afterwards. */
export async function tellCancellations(stage: Stage, document: PatientDocument): Promise<void> {
  const early = await issue(stage, document, { class: 'ordinary' });
  await reserve(stage, early);
  await cancel(stage, early);
  await dispense(stage, early, {
    title: 'pharmacy: pharmacist-wang tries to dispense it all the same',
    expected: 'refused: prescriptionNotOpen',
  });
  const late = await issue(stage, document, { class: 'ordinary' });
  await reserve(stage, late);
  await dispense(stage, late);
  await cancel(stage, late, {
    title: 'hospital: dr-zhang cancels what was dispensed',
    expected: 'refused: tooLate',
  });
}

/** Issued with two keys, reviewed, dispensed by two pharmacists. */
export async function tellControlled(stage: Stage, document: PatientDocument): Promise<void> {
  await issue(stage, document, { class: 'controlled', expected: 'refused: wrongSigners' });
  const issued = await issue(stage, document, {
    class: 'controlled',
    coSigners: ['dr-zhang-controlled'],
  });
  await reserve(stage, issued, {
    title: 'pharmacy: pharmacist-wang reserves it before the review',
    expected: 'refused: reviewPending',
  });
  await review(stage, issued);
  await reserve(stage, issued);
  await dispense(stage, issued, {
    title: 'pharmacy: pharmacist-wang dispenses it alone',
    expected: 'refused: wrongSigners',
  });
  await dispense(stage, issued, {
    title: 'pharmacy: pharmacist-wang and pharmacist-feng dispense it together',
    coSigners: ['pharmacist-feng'],
  });
}
