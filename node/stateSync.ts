/**
 * State sync: an empty node takes the state from a snapshot of other members, and from there on the blocks. Nothing of it is believed:
 * the header comes with its certificate, under voters followed from the genesis; every chunk is checked by its hash, and the
 * state that all of them give by the header's root. Who lied is dropped, who went silent is left alone; what came so far stays.
 */
import { headerDigest, namesItsBatches } from '../protocol/block.ts';
import type { Digest, Epoch, MemberName } from '../protocol/brand.ts';
import { faultyMax } from '../protocol/certificate.ts';
import { genesisVoterSet, type Genesis } from '../protocol/genesis.ts';
import {
  encodeFinality,
  followClosing,
  trustGenesis,
  verifyFinality,
  type Trust,
} from '../protocol/lightClient.ts';
import type { SignatureScheme } from '../protocol/signature.ts';
import { checkManifest, manifestDigest, type SnapshotManifest } from '../protocol/snapshot.ts';
import type { FinalBlock, SyncAnswer, SyncRequest } from '../protocol/sync.ts';
import type { Clock } from './clock.ts';
import type { Log } from './ports.ts';
import { downloadSnapshot } from './snapshotDownload.ts';
import { restoreSnapshot, type RestorePorts } from './snapshotRestore.ts';

export interface StateSyncPorts extends RestorePorts {
  readonly genesis: Genesis;
  readonly scheme: SignatureScheme;
  readonly clock: Clock;
  readonly log: Log;
  /** All other members, connected or not. */
  readonly others: readonly MemberName[];
  readonly connected: () => readonly MemberName[];
  /** Null for no answer in time, a malformed one, or a lost connection; never rejects. */
  readonly ask: (to: MemberName, request: SyncRequest) => Promise<SyncAnswer | null>;
  readonly drop: (member: MemberName, reason: string) => void;
}

/** `none`: nobody offered one. `failed`: there were some, and none could be verified and fetched whole. */
export type StateSyncOutcome = 'restored' | 'none' | 'failed';

/** A snapshot and who holds it. */
interface Candidate {
  readonly manifest: SnapshotManifest;
  readonly holders: readonly MemberName[];
}

/** How long members are waited for that have not said whether they hold a snapshot. */
const offersMsMax = 8_000;
const pollMs = 50;
/** Times that all members are asked anew: a snapshot may be superseded while it is fetched, and a server come back. */
const roundsMax = 4;

class Liars {
  readonly #names = new Set<MemberName>();
  readonly #ports: StateSyncPorts;

  constructor(ports: StateSyncPorts) {
    this.#ports = ports;
  }

  readonly add = (member: MemberName, reason: string): void => {
    if (this.#names.has(member)) return;
    this.#names.add(member);
    this.#ports.log.warn({ peer: member, reason }, 'dropped: it lied about a snapshot');
    this.#ports.drop(member, reason);
  };

  has(member: MemberName): boolean {
    return this.#names.has(member);
  }
}

/** Failures of the disk reject; everything that other members do ends in an outcome. */
export async function syncState(ports: StateSyncPorts): Promise<StateSyncOutcome> {
  const liars = new Liars(ports);
  for (let round = 1; round <= roundsMax; round += 1) {
    const candidates = await offeredSnapshots(ports, liars);
    if (candidates.length === 0) return round === 1 ? 'none' : 'failed';
    for (const candidate of candidates) {
      if (await takeSnapshot(ports, candidate, liars)) return 'restored';
    }
  }
  return 'failed';
}

/** What members offer: those first that enough members hold that one of them is honest, then the newest. */
async function offeredSnapshots(ports: StateSyncPorts, liars: Liars): Promise<readonly Candidate[]> {
  const { clock } = ports;
  const offers = new Map<MemberName, SnapshotManifest | null>();
  const asked = new Set<MemberName>();
  const endsAt = clock.monotonicMs() + offersMsMax;
  const believable = faultyMax(genesisVoterSet(ports.genesis).voters.length) + 1;
  const isEnough = (): boolean => {
    if (ports.others.every((member) => offers.has(member) || liars.has(member))) return true;
    const counts = new Map<Digest | null, number>();
    for (const manifest of offers.values()) {
      const key = manifest === null ? null : manifestDigest(manifest);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    // An honest member is among them: either there is this one, or the chain is too young for any.
    return [...counts.values()].some((count) => count >= believable);
  };
  while (!isEnough() && clock.monotonicMs() < endsAt) {
    for (const member of ports.connected()) {
      if (asked.has(member) || liars.has(member)) continue;
      asked.add(member);
      void askOffer(ports, member, { offers, asked });
    }
    await pause(clock);
  }
  return candidatesOf(offers, believable);
}

/** Notes what a member offers, or that it may be asked again. */
async function askOffer(
  ports: StateSyncPorts,
  member: MemberName,
  notes: { readonly offers: Map<MemberName, SnapshotManifest | null>; readonly asked: Set<MemberName> },
): Promise<void> {
  const answer = await ports.ask(member, { kind: 'snapshot' });
  const manifest = answer?.kind === 'snapshot' ? answer.manifest : null;
  const isSound = manifest !== null && checkManifest(manifest).ok;
  if (answer === null) notes.asked.delete(member);
  else notes.offers.set(member, isSound ? manifest : null);
}

function candidatesOf(
  offers: ReadonlyMap<MemberName, SnapshotManifest | null>,
  believable: number,
): readonly Candidate[] {
  const byDigest = new Map<Digest, { manifest: SnapshotManifest; holders: MemberName[] }>();
  for (const [member, manifest] of offers) {
    if (manifest === null) continue;
    const digest = manifestDigest(manifest);
    const candidate = byDigest.get(digest) ?? { manifest, holders: [] };
    candidate.holders.push(member);
    byDigest.set(digest, candidate);
  }
  const isBelievable = ({ holders }: Candidate): number => (holders.length >= believable ? 1 : 0);
  return [...byDigest.values()].toSorted(
    (a, b) =>
      isBelievable(b) - isBelievable(a) ||
      b.manifest.height - a.manifest.height ||
      b.holders.length - a.holders.length,
  );
}

async function pause(clock: Clock): Promise<void> {
  await new Promise<void>((resolve) => {
    clock.after(pollMs, resolve);
  });
}

/** True iff the ledger is restored from it. */
async function takeSnapshot(ports: StateSyncPorts, candidate: Candidate, liars: Liars): Promise<boolean> {
  const { manifest } = candidate;
  const holders = (): readonly MemberName[] => candidate.holders.filter((member) => !liars.has(member));
  const certified = await certifiedBlock(ports, manifest, { holders: holders(), liars });
  if (certified === null) return false;
  const { height, size } = manifest;
  ports.log.info({ height, size, peerCount: holders().length }, 'fetching a snapshot');
  const isWhole = await downloadSnapshot(manifest, holders(), {
    ask: ports.ask,
    has: ports.hasChunk,
    put: ports.putChunk,
    onLie: liars.add,
    onSilent: (peer) => ports.log.warn({ peer }, 'gave no chunk of a snapshot: left alone'),
  });
  if (!isWhole) return false;
  const verdict = await restoreSnapshot(ports, manifest, certified);
  if (verdict.ok) return true;
  const { code, detail } = verdict.refusal;
  ports.log.warn({ height, code, detail }, 'a snapshot is not the state that it claims to be');
  if (code === 'snapshotInvalid') for (const member of holders()) liars.add(member, 'a false snapshot');
  return false;
}

export interface CertifiedBlock extends FinalBlock {
  readonly digest: Digest;
  /** Proof of the closing block of each epoch before, encoded. */
  readonly closings: ReadonlyMap<Epoch, Uint8Array>;
}

/** The block of a manifest, final under voters that were followed from the genesis; null if no holder can show it. */
async function certifiedBlock(
  ports: StateSyncPorts,
  manifest: SnapshotManifest,
  from: { readonly holders: readonly MemberName[]; readonly liars: Liars },
): Promise<CertifiedBlock | null> {
  for (const member of from.holders) {
    const answer = await ports.ask(member, { kind: 'finality', height: manifest.height });
    if (answer?.kind !== 'finality' || answer.final === null) continue;
    const { final } = answer;
    const digest = headerDigest(final.block.header);
    if (!isBlockOf(manifest, final, digest)) {
      from.liars.add(member, 'a snapshot of another block');
      continue;
    }
    const followed = await followTo(ports, { member, epoch: final.block.header.epoch, liars: from.liars });
    if (followed === null) continue;
    const verified = verifyFinality(final.proof, followed.trust, ports.scheme);
    if (verified.ok) return { ...final, digest, closings: followed.closings };
    from.liars.add(member, verified.refusal.code);
  }
  return null;
}

function isBlockOf(manifest: SnapshotManifest, { block, proof }: FinalBlock, digest: Digest): boolean {
  const { header } = block;
  const [first] = proof.headers;
  return (
    digest === manifest.digest &&
    header.height === manifest.height &&
    header.stateRoot === manifest.stateRoot &&
    header.chainId === manifest.chainId &&
    namesItsBatches(block) &&
    first !== undefined &&
    headerDigest(first) === digest
  );
}

interface Followed {
  readonly trust: Trust;
  readonly closings: ReadonlyMap<Epoch, Uint8Array>;
}

/** The voters of an epoch, by the closing headers that a member has; null if they do not lead there. */
async function followTo(
  ports: StateSyncPorts,
  { member, epoch, liars }: { readonly member: MemberName; readonly epoch: Epoch; readonly liars: Liars },
): Promise<Followed | null> {
  let trust = trustGenesis(ports.genesis);
  const closings = new Map<Epoch, Uint8Array>();
  while (trust.voters.epoch < epoch) {
    const answer = await ports.ask(member, { kind: 'closings', fromEpoch: trust.voters.epoch });
    if (answer?.kind !== 'closings' || answer.proofs.length === 0) return null;
    for (const proof of answer.proofs) {
      if (trust.voters.epoch === epoch) break;
      const next = followClosing(trust, proof, ports.scheme);
      if (!next.ok) {
        liars.add(member, next.refusal.code);
        return null;
      }
      closings.set(trust.voters.epoch, encodeFinality(proof));
      trust = next.value;
    }
  }
  return trust.voters.epoch === epoch ? { trust, closings } : null;
}
