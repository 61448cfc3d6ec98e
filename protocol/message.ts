/** Frames of the consensus channel between two members: one CBOR item each, at most `consensusFrameBytesMax`. */
import * as z from 'zod';
import type { Epoch, Height, Timestamp, View } from './brand.ts';
import { decodeWith, encodeWith, epochSchema, heightSchema, timestampSchema, viewSchema } from './codec.ts';
import { certificateSchema, type Certificate } from './certificate.ts';
import { consensusFrameBytesMax } from './limits.ts';
import { proposalSchema, type Proposal } from './proposal.ts';
import type { Result } from './result.ts';
import { voteSchema, type Vote } from './vote.ts';

/** STATUS (R8): where the sender stands. Unsigned: it moves nobody's view, it only asks for what the sender lacks. */
export interface Status {
  readonly epoch: Epoch;
  readonly view: View;
  readonly finalView: View;
  readonly finalHeight: Height;
  /** The sender's wall clock, Unix ms, for the median offset. */
  readonly timeMs: Timestamp;
}

export type ConsensusMessage =
  | { readonly kind: 'proposal'; readonly proposal: Proposal }
  | { readonly kind: 'vote'; readonly vote: Vote }
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  | { readonly kind: 'status'; readonly status: Status }
  /** FETCH of certificates: whoever holds PC, SC or CC of views `fromView`..`toView` sends them as `certificate` frames. */
  | {
      readonly kind: 'certificatesWanted';
      readonly epoch: Epoch;
      readonly fromView: View;
      readonly toView: View;
    };

const statusSchema: z.ZodType<Status> = z.strictObject({
  epoch: epochSchema,
  view: viewSchema,
  finalView: viewSchema,
  finalHeight: heightSchema,
  timeMs: timestampSchema,
});

const messageSchema: z.ZodType<ConsensusMessage> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('proposal'), proposal: proposalSchema }),
  z.strictObject({ kind: z.literal('vote'), vote: voteSchema }),
  z.strictObject({ kind: z.literal('certificate'), certificate: certificateSchema }),
  z.strictObject({ kind: z.literal('status'), status: statusSchema }),
  z.strictObject({
    kind: z.literal('certificatesWanted'),
    epoch: epochSchema,
    fromView: viewSchema,
    toView: viewSchema,
  }),
]);

export function encodeMessage(message: ConsensusMessage): Uint8Array {
  return encodeWith(messageSchema, message);
}

/** Refusals: `tooLarge`, `malformed`. Signatures are not yet checked. */
export function decodeMessage(bytes: Uint8Array): Result<ConsensusMessage> {
  return decodeWith(messageSchema, bytes, consensusFrameBytesMax);
}
