/**
 * What a replica orders. The host carries the effects of a step out in their order, and makes every record of the step
 * durable with one fdatasync before the first message of the step leaves (W1, W2, W3).
 */
import type { Block } from '../protocol/block.ts';
import type { Digest, Height, MemberName, View } from '../protocol/brand.ts';
import type { Certificate } from '../protocol/certificate.ts';
import type { ConsensusMessage } from '../protocol/message.ts';
import type { Justification } from '../protocol/proposal.ts';
import type { Ballot } from '../protocol/vote.ts';
import type { Timeout } from './event.ts';
import type { MemoryRecord } from './record.ts';

export type Effect =
  /** Make durable, sign, publish, in that order; then the signed vote comes back as `voteReceived`. */
  | { readonly kind: 'castVote'; readonly ballot: Ballot }
  /** The same for our own proposal; it comes back as `proposalReceived`. */
  | { readonly kind: 'castProposal'; readonly block: Block; readonly justification: Justification }
  | { readonly kind: 'recordCertificate'; readonly certificate: Certificate }
  /** Header and batch list of a block that we are about to prepare (W3). */
  | { readonly kind: 'recordBlock'; readonly block: Block }
  /** W6: how far lost memory has come back; durable before the first vote after it. */
  | { readonly kind: 'recordMemory'; readonly record: MemoryRecord }
  /** To every other voter. */
  | { readonly kind: 'broadcast'; readonly message: ConsensusMessage }
  | { readonly kind: 'send'; readonly to: MemberName; readonly message: ConsensusMessage }
  /**
   * We lead `view`: build a block on `parent`. `isEmpty`: with no batches (eight or more unfinalized ancestors, or a heartbeat).
   * `extensionOf`: the epoch is being closed, so build an extension of that closing block, empty.
   */
  | {
      readonly kind: 'requestBlock';
      readonly view: View;
      readonly parent: { readonly digest: Digest; readonly view: View; readonly height: Height };
      readonly isEmpty: boolean;
      readonly extensionOf: Digest | null;
    }
  /** Execute the block on its parent's state, with its batches held durably; answer `blockValidated`. */
  | { readonly kind: 'validateBlock'; readonly block: Block }
  /** Ask the members for a block and its ancestors above a height; answer `blocksReceived`. One outstanding request per digest. */
  | { readonly kind: 'fetchBlocks'; readonly digest: Digest; readonly aboveHeight: Height }
  /**
   * Final: contiguous, ascending, the first one follows the last committed. The certificate is the CC of the last, or of the
   * extension that made the last, a closing block, final. After a closing block the host starts the next epoch.
   */
  | {
      readonly kind: 'commitBlocks';
      readonly blocks: readonly Block[];
      readonly extension: Block | null;
      readonly certificate: Certificate;
    }
  /** Replaces a running timer of the same kind. */
  | { readonly kind: 'startTimer'; readonly timeout: Timeout; readonly afterMs: number };
