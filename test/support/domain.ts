/**
 * A small consortium without signatures or blocks, to try transitions on: each act is what a verified transaction would
 * bring. Builders give an act that succeeds in the usual story; overrides say what differs.
 */
import type { Action, ActionBody, ActionKind } from '../../protocol/action.ts';
import type {
  Amount,
  Digest,
  Height,
  Id,
  MemberName,
  PublicKey,
  Signature,
  Timestamp,
  Units,
  Verified,
} from '../../protocol/brand.ts';
import { bytesToHex, utf8ToBytes } from '../../protocol/bytes.ts';
import type { Genesis } from '../../protocol/genesis.ts';
import { plainHash } from '../../protocol/hash.ts';
import type { Member, MemberRole } from '../../protocol/member.ts';
import { defaultPolicy } from '../../protocol/policy.ts';
import type { Practitioner, PractitionerRole } from '../../protocol/practitioner.ts';
import { receiptCodeHash } from '../../protocol/receiptCode.ts';
import type { Applied, RecordReader } from '../../protocol/record.ts';
import type { Refusal } from '../../protocol/refusal.ts';
import type { Result } from '../../protocol/result.ts';
import type { Seal } from '../../protocol/seal.ts';
import type { Pair } from '../../protocol/settlement.ts';
import type { Transaction } from '../../protocol/transaction.ts';
import { applyTransaction, genesisRecords } from '../../protocol/transition.ts';

export interface World {
  readonly records: ReadonlyMap<string, Uint8Array>;
  readonly timeMs: Timestamp;
}

export interface Act {
  readonly member: MemberName;
  readonly keys: readonly PublicKey[];
  readonly action: Action;
  readonly seals: readonly Seal[];
}

/** What an act may differ in from the usual story. */
export interface Overrides<K extends ActionKind> {
  readonly member?: MemberName;
  readonly keys?: readonly PublicKey[];
  readonly seals?: readonly Seal[];
  readonly body?: Partial<ActionBody<K>>;
}

export const minuteMs = 60_000;
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;
/** 2026-11-20, 12:00 UTC: on the hour, so that rate windows start here. */
export const noon: Timestamp = at(1_795_176_000_000);

export function at(timeMs: number): Timestamp {
  return timeMs as Timestamp;
}

export function units(count: number): Units {
  return count as Units;
}

export function amount(minorUnits: number): Amount {
  return minorUnits as Amount;
}

export function name(text: string): MemberName {
  return text as MemberName;
}

export function digestOf(text: string): Digest {
  return bytesToHex(plainHash(utf8ToBytes(text))) as Digest;
}

export function idOf(text: string): Id {
  return digestOf(text).slice(0, 32) as Id;
}

/** A key with a name; nobody holds its private half, since transitions see verified transactions only. */
export function keyOf(text: string): PublicKey {
  return digestOf(`key of ${text}`) as string as PublicKey;
}

export const hospital: MemberName = name('hospital');
export const pharmacy: MemberName = name('pharmacy');
export const rival: MemberName = name('rival-pharmacy');
export const insurer: MemberName = name('insurer');
export const courier: MemberName = name('courier');
export const reviewCentre: MemberName = name('review-centre');

function aMember(memberName: MemberName, role: MemberRole): Member {
  return {
    name: memberName,
    roles: [role],
    status: 'active',
    networkKey: keyOf(`${memberName} network`),
    consensusKey: keyOf(`${memberName} consensus`),
    sealingKey: keyOf(`${memberName} sealing`),
    adminKey: keyOf(`${memberName} admin`),
  };
}

function aPractitioner(
  who: string,
  member: MemberName,
  more: { readonly roles: readonly PractitionerRole[]; readonly scopes?: readonly string[] },
): Practitioner {
  return {
    id: idOf(who),
    member,
    roles: more.roles,
    scopes: more.scopes ?? ['ordinary', 'controlled'],
    validUntil: at(noon + 365 * dayMs),
    status: 'active',
    keys: [{ key: keyOf(who), status: 'active', sinceMs: at(0) }],
  };
}

export const genesis: Genesis = {
  version: 1,
  name: 'domain-tests',
  createdAt: at(noon - dayMs),
  isDevnet: true,
  members: [
    aMember(hospital, 'hospital'),
    aMember(pharmacy, 'pharmacy'),
    aMember(rival, 'pharmacy'),
    aMember(insurer, 'insurer'),
    aMember(courier, 'courier'),
    aMember(reviewCentre, 'reviewCentre'),
    { ...aMember(name('suspended-pharmacy'), 'pharmacy'), status: 'suspended' },
  ],
  voters: [hospital, pharmacy, rival, insurer],
  practitioners: [
    aPractitioner('doctor', hospital, { roles: ['doctor', 'pharmacist'] }),
    aPractitioner('colleague', hospital, { roles: ['doctor'] }),
    aPractitioner('junior', hospital, { roles: ['doctor'], scopes: ['ordinary'] }),
    aPractitioner('reviewer', reviewCentre, { roles: ['pharmacist'] }),
    aPractitioner('pharmacist', pharmacy, { roles: ['pharmacist'] }),
    aPractitioner('second pharmacist', pharmacy, { roles: ['pharmacist'] }),
    aPractitioner('bookkeeper', pharmacy, { roles: ['accountant'] }),
    aPractitioner('rival pharmacist', rival, { roles: ['pharmacist'] }),
    aPractitioner('adjudicator', insurer, { roles: ['adjudicator'] }),
    aPractitioner('rider', courier, { roles: ['courier'] }),
    { ...aPractitioner('retired', pharmacy, { roles: ['pharmacist'] }), status: 'suspended' },
    { ...aPractitioner('lapsed', pharmacy, { roles: ['pharmacist'] }), validUntil: noon },
    {
      ...aPractitioner('careless', pharmacy, { roles: ['pharmacist'] }),
      keys: [{ key: keyOf('careless'), status: 'compromised', sinceMs: at(0) }],
    },
  ],
  policy: defaultPolicy,
  consensus: { deltaMs: 300, blockIntervalMsMin: 0, heartbeatMs: 0 },
};

/** Height 0, at noon. */
export const newWorld: World = { records: genesisRecords(genesis), timeMs: noon };

export function readerOf(world: World): RecordReader {
  return { get: (key) => world.records.get(key) ?? null };
}

export function later(world: World, byMs: number): World {
  return { ...world, timeMs: at(world.timeMs + byMs) };
}

/** What the ledger would answer, without changing the world. */
export function attempt(world: World, act: Act): Result<Applied> {
  const transaction = {
    txId: digestOf('transaction'),
    chainId: digestOf('chain'),
    id: idOf('transaction'),
    member: act.member,
    notAfter: at(world.timeMs + hourMs),
    action: act.action,
    seals: act.seals,
    signatures: act.keys.map((key) => ({ key, sig: '00'.repeat(64) as Signature })),
    payloadBytes: new Uint8Array(),
    envelopeBytes: new Uint8Array(),
  } satisfies Transaction;
  const block = { chainId: digestOf('chain'), height: 1 as Height, timeMs: world.timeMs };
  return applyTransaction(readerOf(world), transaction as Transaction as Verified<Transaction>, block);
}

/** The refusal's code, or null if the act would be accepted. */
export function refusalOf(world: World, act: Act): Refusal['code'] | null {
  const result = attempt(world, act);
  return result.ok ? null : result.refusal.code;
}

/** The world after these acts, each of which must be accepted. */
export function after(world: World, ...acts: readonly Act[]): World {
  let current = world;
  for (const act of acts) {
    const result = attempt(current, act);
    if (!result.ok) throw new Error(`${act.action.kind} was refused: ${result.refusal.code}`);
    current = withWrites(current, result.value);
  }
  return current;
}

export function withWrites(world: World, { writes }: Applied): World {
  const records = new Map(world.records);
  for (const [key, record] of writes) {
    if (record === null) records.delete(key);
    else records.set(key, record);
  }
  return { ...world, records };
}

/** An act of one kind: usual values first, then what the test says. */
function anAct<K extends ActionKind>(
  kind: K,
  usual: { readonly member: MemberName; readonly signers: readonly string[]; readonly body: ActionBody<K> },
  overrides: Overrides<K>,
): Act {
  return {
    member: overrides.member ?? usual.member,
    keys: overrides.keys ?? usual.signers.map(keyOf),
    seals: overrides.seals ?? [],
    action: { kind, body: { ...usual.body, ...overrides.body } } as Action,
  };
}

export const rxId: Id = idOf('prescription');
export const receiptCode = 'K7QM-2RTX-91';

/** Two items, 30 and 20 units, one fill; the second may be substituted. */
export function anIssue(overrides: Overrides<'rx.issue'> = {}): Act {
  const id = overrides.body?.rxId ?? rxId;
  const body = {
    rxId: id,
    prescriber: idOf('doctor'),
    class: 'ordinary',
    authoredOn: noon,
    validUntil: at(noon + 3 * dayMs),
    items: [
      { itemId: 0, units: units(30), repeats: 0, intervalDays: 0, substitutionAllowed: false },
      { itemId: 1, units: units(20), repeats: 0, intervalDays: 0, substitutionAllowed: true },
    ],
    fills: [aFillPlan(id, 0, { start: noon, end: at(noon + 3 * dayMs) })],
    ownerKey: keyOf('owner'),
    reviewRequired: false,
    replaces: null,
  } as const;
  return anAct('rx.issue', { member: hospital, signers: ['doctor'], body }, overrides);
}

export function aFillPlan(
  id: Id,
  k: number,
  window: { readonly start: Timestamp; readonly end: Timestamp },
): ActionBody<'rx.issue'>['fills'][number] {
  return { k, ...window, redeemKey: keyOf(`redeem ${k}`), receiptHash: receiptCodeHash(id, k, receiptCode) };
}

export function aReview(overrides: Overrides<'rx.review'> = {}): Act {
  const body = { rxId, outcome: 'approve', reason: 'checked' } as const;
  return anAct('rx.review', { member: reviewCentre, signers: ['reviewer'], body }, overrides);
}

export function aCancel(overrides: Overrides<'rx.cancel'> = {}): Act {
  const body = { rxId, k: null, reason: 'error' };
  return anAct('rx.cancel', { member: hospital, signers: ['doctor'], body }, overrides);
}

/** For 2 hours from noon, at the counter. */
export function aReserve(overrides: Overrides<'fill.reserve'> = {}): Act {
  const body = { rxId, k: 0, pharmacy, until: at(noon + 2 * hourMs), mode: 'counter' } as const;
  return anAct('fill.reserve', { member: pharmacy, signers: ['pharmacist', 'redeem 0'], body }, overrides);
}

/** The rival's own attempt, with the patient's redeem key. */
export function aRivalReserve(overrides: Overrides<'fill.reserve'> = {}): Act {
  const keys = ['rival pharmacist', 'redeem 0'].map(keyOf);
  return aReserve({ member: rival, keys, ...overrides, body: { pharmacy: rival, ...overrides.body } });
}

export function aReturn(overrides: Overrides<'fill.return'> = {}): Act {
  const body = { rxId, k: 0, reason: 'stock' };
  return anAct('fill.return', { member: pharmacy, signers: ['pharmacist'], body }, overrides);
}

export function dispensed(
  itemId: number,
  count: number,
  more: Partial<ActionBody<'fill.dispense'>['items'][number]> = {},
): ActionBody<'fill.dispense'>['items'][number] {
  return { itemId, units: units(count), equivalence: 'same', packHashes: [], ...more };
}

/** Everything, from one pack each. */
export function aDispense(overrides: Overrides<'fill.dispense'> = {}): Act {
  const body = {
    rxId,
    k: 0,
    eventId: idOf('event'),
    items: [
      dispensed(0, 30, { packHashes: [digestOf('pack 1')] }),
      dispensed(1, 20, { packHashes: [digestOf('pack 2')] }),
    ],
    substitution: null,
  };
  return anAct('fill.dispense', { member: pharmacy, signers: ['pharmacist'], body }, overrides);
}

export function aClose(overrides: Overrides<'fill.close'> = {}): Act {
  const body = { rxId, k: 0, outcome: 'complete', reason: 'done' } as const;
  return anAct('fill.close', { member: pharmacy, signers: ['pharmacist'], body }, overrides);
}

export const parcelId: Id = idOf('parcel');

export function aShip(overrides: Overrides<'delivery.ship'> = {}): Act {
  const body = {
    parcelId,
    rxId,
    k: 0,
    courier,
    sealHash: digestOf('seal number'),
    deliverBy: at(noon + dayMs),
  };
  return anAct('delivery.ship', { member: pharmacy, signers: ['pharmacist', 'rider'], body }, overrides);
}

export function aDeliver(overrides: Overrides<'delivery.deliver'> = {}): Act {
  return anAct('delivery.deliver', { member: courier, signers: ['rider'], body: { parcelId } }, overrides);
}

/** The patient confirms the parcel with the owner key, through the pharmacy's node. */
export function aReceive(overrides: Overrides<'delivery.receive'> = {}): Act {
  const body = { rxId, k: 0, parcelId, receiptCode: null };
  return anAct('delivery.receive', { member: pharmacy, signers: ['owner'], body }, overrides);
}

export const claimId: Id = idOf('claim');
export const claimLines: ActionBody<'claim.estimate'>['lines'] = [
  { itemId: 0, units: units(30), price: amount(4_500) },
  { itemId: 1, units: units(20), price: amount(1_200) },
];

export function anEstimate(overrides: Overrides<'claim.estimate'> = {}): Act {
  const body = { claimId, rxId, k: 0, insurer, lines: claimLines, total: amount(5_700) };
  return anAct('claim.estimate', { member: pharmacy, signers: ['pharmacist'], body }, overrides);
}

/** The insurer covers 4,900 of 5,700. */
export function anAdjudicate(overrides: Overrides<'claim.adjudicate'> = {}): Act {
  const body = {
    claimId,
    outcome: 'approve',
    lines: [
      { itemId: 0, covered: amount(4_000), patientPays: amount(500), code: 'plan-a' },
      { itemId: 1, covered: amount(900), patientPays: amount(300), code: 'plan-a' },
    ],
  } as const;
  return anAct('claim.adjudicate', { member: insurer, signers: ['adjudicator'], body }, overrides);
}

export function aPay(overrides: Overrides<'claim.pay'> = {}): Act {
  const body = { claimId, patientPaid: amount(800), method: 'card' };
  return anAct('claim.pay', { member: pharmacy, signers: ['pharmacist'], body }, overrides);
}

export function aSubmit(overrides: Overrides<'claim.submit'> = {}): Act {
  const body = { claimId, eventIds: [idOf('event')], lines: claimLines, total: amount(5_700) };
  return anAct('claim.submit', { member: pharmacy, signers: ['pharmacist'], body }, overrides);
}

export function anAccept(overrides: Overrides<'claim.accept'> = {}): Act {
  return anAct('claim.accept', { member: pharmacy, signers: ['pharmacist'], body: { claimId } }, overrides);
}

export const pair: Pair = { insurer, pharmacy };
export const period = '2026-11';

/** The sums must be given: a statement is right only if they are the ledger's own. */
export function aPropose(
  sums: { readonly count: number; readonly total: Amount; readonly claimsRoot: Digest },
  overrides: Overrides<'settle.propose'> = {},
): Act {
  const body = { ...pair, period, ...sums };
  return anAct('settle.propose', { member: insurer, signers: ['adjudicator'], body }, overrides);
}

export function aConfirm(
  sums: { readonly count: number; readonly total: Amount; readonly claimsRoot: Digest },
  overrides: Overrides<'settle.confirm'> = {},
): Act {
  const body = { ...pair, period, ...sums };
  return anAct('settle.confirm', { member: pharmacy, signers: ['bookkeeper'], body }, overrides);
}

export function aPaid(total: Amount, overrides: Overrides<'settle.paid'> = {}): Act {
  const body = { ...pair, period, total, paymentRef: 'transfer-1' };
  return anAct('settle.paid', { member: insurer, signers: ['adjudicator'], body }, overrides);
}

export function aRegister(overrides: Overrides<'practitioner.register'> = {}): Act {
  const body = {
    id: idOf('newcomer'),
    roles: ['pharmacist'],
    scopes: ['ordinary'],
    validUntil: at(noon + 365 * dayMs),
    keys: [keyOf('newcomer')],
  } as const;
  return anAct('practitioner.register', { member: pharmacy, signers: ['pharmacy admin'], body }, overrides);
}

export function aSuspend(overrides: Overrides<'practitioner.suspend'> = {}): Act {
  const body = { id: idOf('pharmacist'), reason: 'left' };
  return anAct('practitioner.suspend', { member: pharmacy, signers: ['pharmacy admin'], body }, overrides);
}
