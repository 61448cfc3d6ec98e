/**
 * Fetches the chunks of one snapshot from all members that vouch for it, several at a time. Every chunk is checked by its hash when it
 * comes; who gives a wrong one is dropped, who does not answer is left alone, and the others take over what it was asked for.
 */
import type { Digest, MemberName } from '../protocol/brand.ts';
import { present } from '../protocol/invariant.ts';
import { isChunkOf, manifestDigest, type SnapshotManifest } from '../protocol/snapshot.ts';
import type { SyncAnswer, SyncRequest } from '../protocol/sync.ts';

export interface DownloadPorts {
  /** Null for no answer in time, a malformed one, or a lost connection; never rejects. */
  readonly ask: (to: MemberName, request: SyncRequest) => Promise<SyncAnswer | null>;
  /** Chunks that are on our disk already, from before a restart too. */
  readonly has: (chunk: Digest) => boolean;
  readonly put: (chunk: Digest, bytes: Uint8Array) => Promise<void>;
  readonly onLie: (member: MemberName, reason: string) => void;
  readonly onSilent: (member: MemberName) => void;
}

/** Requests that wait at one member at a time: it is asked for the next chunk while it reads the one before. */
const requestsPerMember = 2;
/** Requests in a row without a chunk after which a member is left alone. */
const silencesMax = 3;

interface Work {
  readonly manifest: SnapshotManifest;
  readonly snapshot: Digest;
  readonly ports: DownloadPorts;
  /** Indices of chunks that nobody was asked for, or whose request came to nothing; the last is next. */
  readonly waiting: number[];
  /** Indices asked for, with whom; a slow member's chunks are asked of others when nothing else is left. */
  readonly asked: Map<number, Set<MemberName>>;
}

interface Source {
  readonly member: MemberName;
  silences: number;
  isOut: boolean;
}

/** True iff all chunks are on our disk. Writes that fail reject. */
export async function downloadSnapshot(
  manifest: SnapshotManifest,
  members: readonly MemberName[],
  ports: DownloadPorts,
): Promise<boolean> {
  const missing = manifest.chunks.flatMap((chunk, index) => (ports.has(chunk) ? [] : [index]));
  const waiting = missing.toReversed();
  const work: Work = { manifest, snapshot: manifestDigest(manifest), ports, waiting, asked: new Map() };
  const workers = members.flatMap((member) => {
    const source: Source = { member, silences: 0, isOut: false };
    return Array.from({ length: requestsPerMember }, async () => runSource(work, source));
  });
  await Promise.all(workers);
  return manifest.chunks.every((chunk) => ports.has(chunk));
}

async function runSource(work: Work, source: Source): Promise<void> {
  while (!source.isOut) {
    const index = nextFor(work, source.member);
    if (index === null) return;
    await fetchOne(work, source, index);
  }
}

/** The next chunk to ask this member for; null if there is none that it was not asked for. */
function nextFor({ waiting, asked }: Work, member: MemberName): number | null {
  const next = waiting.pop();
  if (next !== undefined) return next;
  for (const [index, members] of asked) if (!members.has(member)) return index;
  return null;
}

async function fetchOne(work: Work, source: Source, index: number): Promise<void> {
  const { manifest, snapshot, ports, asked, waiting } = work;
  const members = asked.get(index) ?? new Set();
  asked.set(index, members.add(source.member));
  const answer = await ports.ask(source.member, { kind: 'snapshotChunk', snapshot, index });
  // Somebody else was faster.
  if (asked.get(index) !== members) return;
  if (answer?.kind === 'snapshotChunk' && isChunkOf(manifest, index, answer.bytes)) {
    source.silences = 0;
    asked.delete(index);
    return ports.put(present(manifest.chunks[index], 'a chunk of the manifest'), answer.bytes);
  }
  members.delete(source.member);
  if (members.size === 0) {
    asked.delete(index);
    waiting.push(index);
  }
  if (answer?.kind === 'snapshotChunk') {
    if (!source.isOut) ports.onLie(source.member, 'a wrong chunk of a snapshot');
    source.isOut = true;
    return;
  }
  source.silences += 1;
  if (source.silences < silencesMax || source.isOut) return;
  source.isOut = true;
  ports.onSilent(source.member);
}
