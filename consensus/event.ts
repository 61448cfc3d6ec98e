/** What happens to a replica. Everything in an event was verified by the host (the gate) before it came here. */
import type { Block } from '../protocol/block.ts';
import type { Digest, Epoch, MemberName, Verified, View } from '../protocol/brand.ts';
import type { Certificate } from '../protocol/certificate.ts';
import type { Status } from '../protocol/message.ts';
import type { Proposal } from '../protocol/proposal.ts';
import type { Vote } from '../protocol/vote.ts';

/** `proposal`: 2Δ without a proposal; `view`: the view has lasted too long; `tick`: every second (R8); `heartbeat`: quiet too long. */
export type TimeoutKind = 'proposal' | 'view' | 'tick' | 'heartbeat';

export interface Timeout {
  readonly kind: TimeoutKind;
  /** The view it was started in: a timeout of a view that was left does nothing. 0 for `tick`, which is bound to no view. */
  readonly view: View;
}

/** The host's execution of a block on its parent's state. `unavailable`: a batch or the parent could not be had yet. */
export type Verdict = 'valid' | 'invalid' | 'unavailable';

export type ConsensusEvent =
  /** After recovery: timers start, the recorded messages are sent again. */
  | { readonly kind: 'started' }
  /** A vote of any voter; our own come back here after `castVote`, and only here are they counted. */
  | { readonly kind: 'voteReceived'; readonly vote: Verified<Vote> }
  | { readonly kind: 'proposalReceived'; readonly proposal: Verified<Proposal> }
  | { readonly kind: 'certificateReceived'; readonly certificate: Verified<Certificate> }
  | { readonly kind: 'statusReceived'; readonly from: MemberName; readonly status: Status }
  | {
      readonly kind: 'certificatesWanted';
      readonly from: MemberName;
      readonly epoch: Epoch;
      readonly fromView: View;
      readonly toView: View;
    }
  /** Blocks that `fetchBlocks` asked for; hash links are checked here, certificates decide. */
  | { readonly kind: 'blocksReceived'; readonly blocks: readonly Block[] }
  /** Answer to `requestBlock`; null when the host cannot build (a batch of the parent is missing): ask again at the next tick. */
  | { readonly kind: 'blockBuilt'; readonly view: View; readonly block: Block | null }
  /** Answer to `validateBlock`. */
  | { readonly kind: 'blockValidated'; readonly digest: Digest; readonly verdict: Verdict }
  /** The host holds, or no longer holds, a batch that is not in the chain up to the newest prepared block (§4 expectant). */
  | { readonly kind: 'workChanged'; readonly hasWork: boolean }
  | { readonly kind: 'timeoutElapsed'; readonly timeout: Timeout };
