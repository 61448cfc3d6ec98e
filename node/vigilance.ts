/** The watch for equivocation in its place: what it finds is proven, logged, and reported through our own lane. */
import type { Digest, MemberName } from '../protocol/brand.ts';
import { verifyEvidence } from '../protocol/evidence.ts';
import type { Member, VoterSet } from '../protocol/member.ts';
import { isReportIdle } from '../protocol/reporting.ts';
import type { Result } from '../protocol/result.ts';
import type { EngineOptions } from './engineOptions.ts';
import { EquivocationWatch } from './equivocation.ts';
import { reportEnvelope } from './reporter.ts';

/** The engine, as far as the watch knows it. */
export interface WatchingNode {
  readonly chainId: Digest;
  /** Of the epoch in force. */
  readonly voters: VoterSet;
  readonly member: (name: MemberName) => Member | null;
  readonly submit: (envelopeBytes: Uint8Array) => Promise<Result<unknown>>;
}

export function watchForEquivocation(options: EngineOptions, node: WatchingNode): EquivocationWatch {
  const { own, signer, scheme, clock, log, stores } = options;
  const { chainId } = node;
  const reporter = { chainId, own: own.name, signer };
  return new EquivocationWatch({
    own: own.name,
    voters: () => node.voters,
    consensusKeyOf: (name) => node.member(name)?.consensusKey ?? null,
    isProof: (evidence) => verifyEvidence(evidence, chainId, scheme).ok,
    isIdle: (evidence) => isReportIdle(stores.ledger, evidence),
    report: async (evidence) => (await node.submit(reportEnvelope(reporter, evidence, clock.wallMs()))).ok,
    onFound: (member) => log.warn({ member }, 'a member contradicts itself: evidence goes to the ledger'),
  });
}
