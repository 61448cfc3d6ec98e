/** The acts on one prescription, each by its member on its own node, told as one step each. */
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Id, Timestamp } from '../../protocol/brand.ts';
import type { PrescriptionClass } from '../../protocol/policy.ts';
import type { IssueParams, WriteResult } from '../../node/rpc/contract.ts';
import { uuid } from '../../node/rpc/write.ts';
import type { PatientDocument } from '../documents.ts';
import { tellFact, tellWrite, type Stage, type WriteOutcome } from './step.ts';

/** What the story keeps of a prescription that was issued: the patient's secrets, and what is in it. */
export interface Issued {
  readonly rxId: string;
  /** The patient's, as on the printed QR code. */
  readonly token: string;
  readonly fillSecret: string;
  readonly receiptCode: string;
  readonly resource: PatientDocument['resource'];
  readonly isReviewed: boolean;
}

export interface Pharmacy {
  readonly member: 'pharmacy' | 'pharmacy-2';
  readonly pharmacist: string;
}

export const firstPharmacy: Pharmacy = { member: 'pharmacy', pharmacist: 'pharmacist-wang' };
export const secondPharmacy: Pharmacy = { member: 'pharmacy-2', pharmacist: 'pharmacist-liu' };

/** The bundles name a medicine and no quantity; the units are the story's. */
export const unitsPrescribed = 20;
export const itemId = 1;

const validityMs = 20 * 3_600_000;
const antibiotics = /amoxicillin|cefuroxime/i;

function medicineOf(resource: PatientDocument['resource']): string {
  const { medicationCodeableConcept: concept, medicationReference: reference } = resource;
  return textOf(concept, 'text') ?? textOf(reference, 'display') ?? 'a medicine';
}

function textOf(value: unknown, field: string): string | null {
  if (typeof value !== 'object' || value === null) return null;
  const text: unknown = Reflect.get(value, field);
  return typeof text === 'string' ? text : null;
}

/** A fresh id as JSON-RPC writes it. */
export function newId(): string {
  const id: Id = uuid({ now: () => Date.now() as Timestamp, randomBytes });
  return `0x${id}`;
}

export function inMs(aheadMs: number): string {
  return new Date(Date.now() + aheadMs).toISOString();
}

export interface IssueChoice {
  readonly class?: PrescriptionClass;
  readonly coSigners?: readonly string[];
  readonly expected?: WriteOutcome;
}

export async function issue(
  stage: Stage,
  { resource }: PatientDocument,
  choice: IssueChoice = {},
): Promise<Issued> {
  const medicine = medicineOf(resource);
  const prescriptionClass = choice.class ?? (antibiotics.test(medicine) ? 'antibiotic' : 'ordinary');
  const { coSigners = [], expected = 'committed' } = choice;
  const params: IssueParams = {
    practitioner: 'dr-zhang',
    coSigners,
    class: prescriptionClass,
    validUntil: inMs(validityMs),
    items: [
      {
        itemId,
        units: unitsPrescribed,
        repeats: 0,
        intervalDays: 0,
        substitutionAllowed: false,
        validUntil: null,
      },
    ],
    documents: [resource],
  };
  const who = coSigners.length === 0 ? 'dr-zhang' : 'dr-zhang, with a second key,';
  const title = `hospital: ${who} issues ${medicine} (${prescriptionClass}), sealed`;
  const result = await tellWrite(stage, { title, kind: 'rx.issue', member: 'hospital', expected }, () =>
    stage.devnet.client('hospital').call('rx_issue', params),
  );
  return {
    rxId: result.rxId,
    token: result.token ?? '',
    fillSecret: result.fillSecrets[0] ?? '',
    receiptCode: result.receiptCodes[0] ?? '',
    resource,
    isReviewed: prescriptionClass !== 'ordinary',
  };
}

export async function review(stage: Stage, { rxId }: Issued): Promise<void> {
  const title = 'hospital: reviewer-chen approves it';
  await tellWrite(stage, { title, kind: 'rx.review', member: 'hospital', expected: 'committed' }, () =>
    stage.devnet
      .client('hospital')
      .call('rx_review', { practitioner: 'reviewer-chen', rxId, outcome: 'approve', reason: 'checked' }),
  );
}

export interface ActChoice {
  /** The first pharmacy when absent. */
  readonly at?: Pharmacy;
  /** Replaces the usual title. */
  readonly title?: string;
  readonly expected?: WriteOutcome;
}

export async function reserve(
  stage: Stage,
  { fillSecret }: Issued,
  choice: ActChoice & { readonly mode?: 'counter' | 'courier' } = {},
): Promise<WriteResult> {
  const { at = firstPharmacy, expected = 'committed', mode = 'counter' } = choice;
  const title =
    choice.title ?? `${at.member}: ${at.pharmacist} scans the patient's code and reserves the fill`;
  return tellWrite(stage, { title, kind: 'fill.reserve', member: at.member, expected }, () =>
    stage.devnet
      .client(at.member)
      .call('fill_reserve', { practitioner: at.pharmacist, fillSecret, until: inMs(validityMs), mode }),
  );
}

export async function open(stage: Stage, issued: Issued): Promise<void> {
  const title = 'pharmacy: opens the sealed prescription';
  await tellFact(stage, { title, expected: 'the same FHIR JSON' }, async () =>
    (await openedAs(stage, issued)) ? 'the same FHIR JSON' : 'something else than what was sealed',
  );
}

/** Whether the pharmacy gets exactly what the hospital sealed. */
export async function openedAs(stage: Stage, { rxId, fillSecret, resource }: Issued): Promise<boolean> {
  const { documents } = await stage.devnet.client('pharmacy').call('rx_open', { rxId, fillSecret });
  return isDeepStrictEqual(documents, [{ docType: 'MedicationRequest', resource }]);
}

export interface DispenseChoice extends ActChoice {
  readonly units?: number;
  readonly coSigners?: readonly string[];
  readonly packHash?: string;
}

/** Gives the id of the dispense event. */
export async function dispense(stage: Stage, { rxId }: Issued, choice: DispenseChoice = {}): Promise<string> {
  const { at = firstPharmacy, expected = 'committed', units = unitsPrescribed, coSigners = [] } = choice;
  const packHash = choice.packHash ?? newPackHash();
  const eventId = newId();
  const title =
    choice.title ?? `${at.member}: ${at.pharmacist} dispenses ${units} of ${unitsPrescribed} units`;
  await tellWrite(stage, { title, kind: 'fill.dispense', member: at.member, expected }, () =>
    stage.devnet.client(at.member).call('fill_dispense', {
      practitioner: at.pharmacist,
      coSigners,
      rxId,
      k: 0,
      eventId,
      items: [{ itemId, units, equivalence: 'same', packHashes: [packHash] }],
      substitution: null,
    }),
  );
  return eventId;
}

/** Of a serial number that no other pack has. */
export function newPackHash(): string {
  return `0x${randomBytes(32).toString('hex')}`;
}

export async function giveBack(stage: Stage, { rxId }: Issued): Promise<void> {
  const title = 'pharmacy: pharmacist-wang gives the rest back for another pharmacy';
  await tellWrite(stage, { title, kind: 'fill.return', member: 'pharmacy', expected: 'committed' }, () =>
    stage.devnet
      .client('pharmacy')
      .call('fill_return', { practitioner: 'pharmacist-wang', rxId, k: 0, reason: 'outOfStock' }),
  );
}

export async function cancel(stage: Stage, { rxId }: Issued, choice: ActChoice = {}): Promise<void> {
  const { title = 'hospital: dr-zhang cancels it', expected = 'committed' } = choice;
  await tellWrite(stage, { title, kind: 'rx.cancel', member: 'hospital', expected }, () =>
    stage.devnet
      .client('hospital')
      .call('rx_cancel', { practitioner: 'dr-zhang', rxId, k: null, reason: 'changedTherapy' }),
  );
}
