/** Records of the safety log: what was said, or is relied upon, before any message that says it leaves (W1, W2, W3). */
import type { Block } from '../protocol/block.ts';
import type { Epoch, Verified, View } from '../protocol/brand.ts';
import type { Certificate } from '../protocol/certificate.ts';
import { unreachable } from '../protocol/invariant.ts';
import type { Proposal } from '../protocol/proposal.ts';
import type { Vote } from '../protocol/vote.ts';
import type { Memory } from './state.ts';

/** As replayed: the host signs a recorded statement again (Ed25519 is deterministic: the same bytes) and never a different one. */
export type SafetyRecord =
  | { readonly kind: 'vote'; readonly vote: Verified<Vote> }
  | { readonly kind: 'proposal'; readonly proposal: Verified<Proposal> }
  | { readonly kind: 'certificate'; readonly certificate: Verified<Certificate> }
  | { readonly kind: 'block'; readonly block: Block }
  | MemoryRecord;

/**
 * W6. `lost`: the first record of a log that was begun under a key that had voted; `regained`: what was forgotten lies at or below
 * `view`; `whole`: finality overtook it.
 */
export interface MemoryRecord {
  readonly kind: 'memory';
  readonly memory: Memory['kind'];
  readonly epoch: Epoch;
  readonly view: View;
}

/** The epoch and view that a record is about. */
export function placeOf(record: SafetyRecord): { readonly epoch: Epoch; readonly view: View } {
  switch (record.kind) {
    case 'vote':
      return record.vote;
    case 'proposal':
      return record.proposal.block.header;
    case 'certificate':
      return record.certificate;
    case 'block':
      return record.block.header;
    case 'memory':
      return record;
    default:
      return unreachable(record);
  }
}

/** Where the ledger stands on start: the truth that consensus catches up to (W4). */
export interface FinalPoint {
  /** Null for genesis. */
  readonly block: Block | null;
  /** CC of the block; null for genesis, and for a block that became final with a descendant that is not written yet. */
  readonly certificate: Certificate | null;
}
