/**
 * A small consortium without signatures or blocks, to try transitions on: each act is what a verified transaction would
 * bring.
 */
import assert from 'node:assert/strict';
import type { Action } from '../../protocol/action.ts';
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
import { findFill, statusOfFill, type FillStatus } from '../../protocol/fillStatus.ts';
import type { Genesis } from '../../protocol/genesis.ts';
import { plainHash } from '../../protocol/hash.ts';
import type { Member, MemberRole } from '../../protocol/member.ts';
import { defaultPolicy, genesisPolicyRecords, type Policy } from '../../protocol/policy.ts';
import type { Practitioner, PractitionerRole } from '../../protocol/practitioner.ts';
import type { Applied, RecordReader } from '../../protocol/record.ts';
import type { Refusal } from '../../protocol/refusal.ts';
import type { Result } from '../../protocol/result.ts';
import type { Seal } from '../../protocol/seal.ts';
import type { Transaction } from '../../protocol/transaction.ts';
import { applyTransaction, genesisRecords } from '../../protocol/transition.ts';

export interface World {
  readonly records: ReadonlyMap<string, Uint8Array>;
  /** Of the next block. */
  readonly height: number;
  readonly timeMs: Timestamp;
}

export interface Act {
  readonly member: MemberName;
  readonly keys: readonly PublicKey[];
  readonly action: Action;
  readonly seals: readonly Seal[];
}

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

const digests = new Map<string, Digest>();

export function digestOf(text: string): Digest {
  const digest = digests.get(text) ?? (bytesToHex(plainHash(utf8ToBytes(text))) as Digest);
  digests.set(text, digest);
  return digest;
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
export const secondCourier: MemberName = name('second-courier');
export const regulator: MemberName = name('regulator');
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
    suspensions: [],
    keys: [keyOf(who)],
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
    aMember(secondCourier, 'courier'),
    aMember(name('second-insurer'), 'insurer'),
    aMember(name('second-hospital'), 'hospital'),
    aMember(reviewCentre, 'reviewCentre'),
    aMember(regulator, 'regulator'),
    { ...aMember(name('suspended-pharmacy'), 'pharmacy'), status: 'suspended' },
  ],
  voters: [hospital, pharmacy, rival, insurer],
  practitioners: [
    aPractitioner('doctor', hospital, { roles: ['doctor', 'pharmacist'] }),
    aPractitioner('elsewhere', name('second-hospital'), { roles: ['doctor'] }),
    aPractitioner('colleague', hospital, { roles: ['doctor'] }),
    aPractitioner('junior', hospital, { roles: ['doctor'], scopes: ['ordinary'] }),
    aPractitioner('reviewer', reviewCentre, { roles: ['pharmacist'] }),
    aPractitioner('pharmacist', pharmacy, { roles: ['pharmacist'] }),
    aPractitioner('second pharmacist', pharmacy, { roles: ['pharmacist'] }),
    aPractitioner('bookkeeper', pharmacy, { roles: ['accountant'] }),
    aPractitioner('rival pharmacist', rival, { roles: ['pharmacist'] }),
    aPractitioner('adjudicator', insurer, { roles: ['adjudicator'] }),
    aPractitioner('second adjudicator', name('second-insurer'), { roles: ['adjudicator'] }),
    aPractitioner('rider', courier, { roles: ['courier'] }),
    aPractitioner('hub clerk', courier, { roles: ['courier'] }),
    aPractitioner('other rider', secondCourier, { roles: ['courier'] }),
    {
      ...aPractitioner('retired', pharmacy, { roles: ['pharmacist'] }),
      suspensions: [{ by: 'employer', scope: null }],
    },
    { ...aPractitioner('lapsed', pharmacy, { roles: ['pharmacist'] }), validUntil: noon },
    aPractitioner('assistant', hospital, { roles: ['assistant'], scopes: [] }),
  ],
  policy: defaultPolicy,
  consensus: { deltaMs: 300, blockIntervalMsMin: 0, heartbeatMs: 0 },
};

/** Height 0, at noon. */
export const newWorld: World = { records: genesisRecords(genesis), height: 1, timeMs: noon };

export function readerOf(world: World): RecordReader {
  return { get: (key) => world.records.get(key) ?? null };
}

/** The same consortium under another policy. */
export function underPolicy(world: World, policy: Partial<Policy>): World {
  const changed = genesisPolicyRecords({ ...defaultPolicy, ...policy });
  return { ...world, records: new Map([...world.records, ...changed]) };
}

/** Status of a fill of the usual prescription, as every transition sees it. */
export function statusIn(world: World, k = 0): FillStatus {
  const found = findFill(readerOf(world), idOf('prescription'), k);
  if (!found.ok) throw new Error(`no such fill: ${found.refusal.code}`);
  return statusOfFill(found.value, world.timeMs);
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
  const block = { chainId: digestOf('chain'), height: world.height as Height, timeMs: world.timeMs };
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

/** One test: `act` in `world` is refused with this code. `what` completes the sentence "refuses ...". */
export function itRefuses(what: string, code: Refusal['code'], scene: readonly [World, Act]): void {
  it(`refuses ${what} (${code})`, () => {
    assert.equal(refusalOf(...scene), code);
  });
}
