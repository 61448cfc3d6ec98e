/** The methods about members, motions, policy and evidence: what goes in and what comes out. */
import type { ActionBody } from '../../protocol/action.ts';
import type { Evidence } from '../../protocol/evidence.ts';
import type { Member, MemberRole } from '../../protocol/member.ts';
import type { MemberChange, Motion, MotionStatus } from '../../protocol/motion.ts';
import type { Policy } from '../../protocol/policy.ts';
import type { Mark } from '../../protocol/standing.ts';
import type {
  List,
  Method,
  None,
  TransactionResult,
  WaitFor,
  WriteMethod,
  WriteOptions,
  WriteResult,
} from './contract.ts';
import type { JsonOf } from './json.ts';

/** What a set of voters can do: of `n`, `f` may lie or be away, and `q` decide. */
export interface VotersView {
  readonly n: number;
  readonly f: number;
  readonly q: number;
  readonly names: readonly string[];
}

export interface MemberView extends JsonOf<Member> {
  readonly isVoter: boolean;
  /** Block time of its last READY; null without one. */
  readonly readyAt: string | null;
  /** Block time of its last READY or vote on a motion. */
  readonly heardAt: string | null;
  /** What was proven against it. */
  readonly marks: readonly JsonOf<Mark>[];
}

export interface MotionView extends JsonOf<Motion> {
  readonly status: MotionStatus;
  readonly votersNow: VotersView;
  /** As an open motion would leave them; of one that is over, those of the next block. */
  readonly votersThen: VotersView;
  /** Approvals that are still wanting; null once it is over. */
  readonly approvalsMissing: number | null;
}

export interface TicketView {
  readonly ticket: string;
  readonly chainId: string;
  readonly motionId: string;
  readonly expiresHeight: number;
  readonly inviter: string;
  readonly name: string;
  readonly roles: readonly MemberRole[];
  readonly until: string;
}

export interface EvidenceView extends JsonOf<Mark> {
  readonly member: string;
  readonly reporter: string;
  readonly evidence: JsonOf<Evidence>;
}

export interface PolicyVersionView {
  readonly policy: JsonOf<Policy>;
  readonly effectiveHeight: number;
}

/** What a policy would have changed, had it judged the latest blocks. */
export interface PolicySimulation {
  /** Fields of the document that differ, as paths, with both values as JSON text. */
  readonly changes: readonly { readonly field: string; readonly from: string; readonly to: string }[];
  readonly blocks: number;
  readonly issues: {
    readonly examined: number;
    readonly validityTooLong: number;
    readonly rateExceeded: number;
    readonly reviewNewlyRequired: number;
    readonly reviewNoLongerRequired: number;
  };
  readonly reservations: { readonly examined: number; readonly tooLong: number };
}

interface MotionChoice {
  /** Made by the node when absent. */
  readonly motionId?: string;
  /** 100,000 above the present height when absent. */
  readonly expiresHeight?: number;
}

type MotionWrite<Params> = Method<
  Params & MotionChoice & WriteOptions,
  WriteResult & { readonly motionId: string }
>;

export interface GovernanceMethods {
  readonly member_list: Method<
    None,
    List<MemberView> & { readonly voters: VotersView; readonly epoch: number }
  >;
  readonly member_get: Method<
    { readonly name: string },
    { readonly asOfHeight: number; readonly member: MemberView }
  >;
  readonly member_invite: Method<
    MotionChoice & { readonly name: string; readonly roles: readonly MemberRole[]; readonly until?: string },
    TicketView
  >;
  readonly member_join: Method<
    { readonly transaction: string; readonly waitFor?: WaitFor; readonly timeoutMs?: number },
    TransactionResult & { readonly motionId: string }
  >;
  readonly member_ready: Method<WriteOptions, WriteResult>;
  readonly member_propose: MotionWrite<{
    readonly change: MemberChange;
    readonly member: string;
    readonly isForced?: boolean;
  }>;
  readonly member_rotate: MotionWrite<Pick<JsonOf<ActionBody<'member.rotate'>>, 'member' | 'keys'>>;
  readonly member_vote: WriteMethod<{ readonly motionId: string; readonly approve: boolean }>;
  readonly motion_list: Method<None, List<MotionView>>;
  readonly motion_get: Method<
    { readonly motionId: string },
    { readonly asOfHeight: number; readonly motion: MotionView }
  >;
  readonly policy_get: Method<
    { readonly version?: number },
    PolicyVersionView & { readonly asOfHeight: number; readonly waiting: PolicyVersionView | null }
  >;
  readonly policy_propose: MotionWrite<{
    readonly policy: JsonOf<Policy>;
    /** The height after the vote when absent. */
    readonly effectiveHeight?: number;
  }>;
  readonly policy_simulate: Method<
    { readonly policy: JsonOf<Policy>; readonly blocks?: number },
    PolicySimulation & { readonly asOfHeight: number }
  >;
  readonly policy_vote: WriteMethod<{ readonly motionId: string; readonly approve: boolean }>;
  readonly evidence_list: Method<None, List<EvidenceView>>;
}
