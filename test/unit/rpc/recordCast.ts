/** Members on one ledger in memory, and the steps that leave prescriptions, parcels and claims to look through. */
import assert from 'node:assert/strict';
import type { IssueParams, IssueResult, MethodName, MethodParams } from '../../../node/rpc/contract.ts';
import { hexOf } from '../../../node/rpc/json.ts';
import type { Timestamp } from '../../../protocol/brand.ts';
import { compareText } from '../../../protocol/bytes.ts';
import { noon } from '../../support/chain.ts';
import { memberOn, type Caller } from './caller.ts';
import { digestOf, idOf, memoryChain, type MemoryChain } from './memoryNode.ts';

export const hour = 3_600_000;
export const day: number = 24 * hour;

export function time(afterMs: number): string {
  return new Date(noon + afterMs).toISOString();
}

export interface Cast {
  readonly chain: MemoryChain;
  readonly hospital: Caller;
  readonly pharmacy: Caller;
  readonly rival: Caller;
  readonly insurer: Caller;
  readonly courier: Caller;
}

export function cast(): Cast {
  const chain = memoryChain();
  return {
    chain,
    hospital: memberOn(chain, 'hospital'),
    pharmacy: memberOn(chain, 'pharmacy'),
    rival: memberOn(chain, 'rival'),
    insurer: memberOn(chain, 'insurer'),
    courier: memberOn(chain, 'courier'),
  };
}

/** Writes, and fails the test unless the ledger committed it. */
export async function write<M extends MethodName>(
  caller: Caller,
  method: M,
  params: MethodParams<M>,
): Promise<void> {
  const result: unknown = await caller.call(method, params);
  const { status, code } = result as { readonly status: string; readonly code: string | null };
  assert.deepEqual({ method, status, code }, { method, status: 'committed', code: null });
}

export async function issue(
  { hospital }: Cast,
  differences: Partial<IssueParams> = {},
): Promise<IssueResult> {
  const issued = await hospital.call('rx_issue', {
    practitioner: 'dr-zhang',
    class: 'ordinary',
    validUntil: time(2 * day),
    items: [{ itemId: 1, units: 30, repeats: 0, intervalDays: 0, substitutionAllowed: false }],
    documents: [{ resourceType: 'MedicationRequest', status: 'active', intent: 'order' }],
    ...differences,
  });
  assert.equal(issued.status, 'committed');
  return issued;
}

export async function reserve(
  { pharmacy }: Cast,
  issued: IssueResult,
  mode: 'counter' | 'courier' = 'counter',
): Promise<void> {
  const fillSecret = issued.fillSecrets[0] ?? '';
  await write(pharmacy, 'fill_reserve', {
    practitioner: 'ph-wang',
    fillSecret,
    until: time(12 * hour),
    mode,
  });
}

/** As the rxId, so that every supply has its own. */
export function eventOf({ rxId }: IssueResult): string {
  return rxId;
}

export async function dispense(
  { pharmacy }: Cast,
  issued: IssueResult,
  packs: readonly string[] = [],
): Promise<void> {
  const packHashes = packs.map((pack) => hexOf(digestOf(pack)));
  await write(pharmacy, 'fill_dispense', {
    practitioner: 'ph-wang',
    rxId: issued.rxId,
    k: 0,
    eventId: eventOf(issued),
    items: [{ itemId: 1, units: 30, equivalence: 'same', packHashes }],
    substitution: null,
  });
}

export function parcelOf({ rxId }: IssueResult): string {
  return hexOf(idOf(`parcel of ${rxId}`));
}

export async function ship({ pharmacy, courier }: Cast, issued: IssueResult): Promise<void> {
  const { rxId } = issued;
  const built = await pharmacy.call('tx_build', {
    kind: 'delivery.ship',
    body: {
      parcelId: parcelOf(issued),
      rxId,
      k: 0,
      courier: 'courier',
      sealHash: hexOf(digestOf('seal')),
      deliverBy: time(day),
    },
  });
  const { payload } = built;
  const signatures = [
    await pharmacy.call('tx_sign', { practitioner: 'ph-wang', payload }),
    await courier.call('tx_sign', { practitioner: 'rider-ma', payload }),
  ].map(({ key, sig }) => ({ key, sig }));
  await write(pharmacy, 'tx_submit', { payload, signatures });
}

export function claimOf({ rxId }: IssueResult): string {
  return hexOf(idOf(`claim of ${rxId}`));
}

const lines = [{ itemId: 1, units: 30, price: 1_000 }];

export async function estimate({ pharmacy }: Cast, issued: IssueResult): Promise<void> {
  const named = { claimId: claimOf(issued), rxId: issued.rxId, k: 0, insurer: 'insurer' };
  await write(pharmacy, 'claim_estimate', { practitioner: 'ph-wang', ...named, lines, total: 1_000 });
}

/** From the adjudication to the acceptance; all of it covered. */
export async function settle(members: Cast, issued: IssueResult): Promise<void> {
  const { pharmacy, insurer } = members;
  const claimId = claimOf(issued);
  const by = { practitioner: 'ph-wang', claimId };
  await write(insurer, 'claim_adjudicate', {
    practitioner: 'adj-wu',
    claimId,
    outcome: 'approve',
    lines: [{ itemId: 1, covered: 1_000, patientPays: 0, code: 'tariff' }],
  });
  await dispense(members, issued);
  await write(pharmacy, 'claim_submit', { ...by, eventIds: [eventOf(issued)], lines, total: 1_000 });
  await write(pharmacy, 'claim_accept', { ...by, covered: 1_000 });
}

/** The ledger's time moves with its blocks. */
export async function pass(members: Cast, afterMs: number): Promise<IssueResult> {
  members.chain.timeMs = (noon + afterMs) as Timestamp;
  return issue(members, { validUntil: time(afterMs + day) });
}

export function ids(page: { readonly items: readonly { readonly rxId: string }[] }): readonly string[] {
  return page.items.map(({ rxId }) => rxId).toSorted(compareText);
}

export const sorted = (...issued: readonly IssueResult[]): readonly string[] =>
  issued.map(({ rxId }) => rxId).toSorted(compareText);
