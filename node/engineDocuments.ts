/** The sealed documents of a node, with the parts of the engine that they ask. */
import type { MemberName } from '../protocol/brand.ts';
import { chainIdOf } from '../protocol/genesis.ts';
import type { Member } from '../protocol/member.ts';
import type { Archive } from './archive.ts';
import { Documents } from './documents.ts';
import type { EngineOptions } from './engineOptions.ts';
import type { Fetcher } from './fetcher.ts';

interface DocumentParts {
  readonly archive: Archive;
  readonly fetcher: Fetcher;
  /** Members that keep documents for others. */
  readonly holders: () => readonly MemberName[];
  readonly connected: () => readonly MemberName[];
  /** An active member, or null. */
  readonly member: (name: MemberName) => Member | null;
}

export function documentsOf(options: EngineOptions, parts: DocumentParts): Documents {
  const { own, stores, sealing, clock, log, genesis } = options;
  return new Documents({
    chainId: chainIdOf(genesis),
    own: own.name,
    keyPair: sealing,
    store: stores.sealed,
    clock,
    fetcher: parts.fetcher,
    log,
    sealingKeyOf: (name) => parts.member(name)?.sealingKey ?? null,
    holders: parts.holders,
    connected: parts.connected,
    issueOf: async (rxId) => parts.archive.issueOf(rxId),
    mayRead: (name, rxId) => parts.archive.mayRead(name, rxId),
  });
}
