/** The state that a chain starts with, and what a transaction does to it: one transition for each kind of action. */
import { askRenewal, askSubstitution, decideRenewal, decideSubstitution } from './asking.ts';
import type { Context } from './authorisation.ts';
import type { ActionBody, ActionKind, ActionOf } from './action.ts';
import type { Digest, Height, Timestamp, Verified } from './brand.ts';
import { accept, dispute, recoup, reverse } from './claimClosing.ts';
import { adjudicate, estimate, pay, submit } from './claiming.ts';
import { grant, revokeGrant } from './delegating.ts';
import { deliver, receive, scan, ship } from './delivery.ts';
import { closeFill, dispense, withdraw } from './dispensing.ts';
import { fail, reportBreach, takeBack } from './failing.ts';
import { genesisVoterSet, type Genesis } from './genesis.ts';
import { join, propose as proposeChange, proposePolicy, ready, rotate } from './governance.ts';
import { memberNamesRecord, memberRecords, requireMember } from './membership.ts';
import { genesisPolicyRecords } from './policy.ts';
import { addKey, revokeKey, rotateKey } from './keyChange.ts';
import { practitionerRecords } from './practitioner.ts';
import { nominate, redirect } from './nominating.ts';
import { issue, review } from './prescribing.ts';
import type { Applied, RecordReader } from './record.ts';
import { register, reinstate, scope, suspend } from './registration.ts';
import { report } from './reporting.ts';
import { extend, reserve, returnFill } from './reserving.ts';
import type { Result } from './result.ts';
import { agree, net, transfer } from './netting.ts';
import { confirm, disputeStatement, markPaid, propose } from './settlement.ts';
import { cancel, hold, release } from './stopping.ts';
import type { Transaction } from './transaction.ts';
import { castVote } from './voting.ts';
import { voterSetCodec, voterSetKey } from './voterSet.ts';

/** What transitions know of the block that includes the transaction. */
export interface BlockContext {
  readonly chainId: Digest;
  readonly height: Height;
  readonly timeMs: Timestamp;
}

type Transition<K extends ActionKind> = (context: Context, body: ActionBody<K>) => Result<Applied>;

/** Members, practitioners with their keys, policy and voters, as the records of height 0. */
export function genesisRecords(genesis: Genesis): ReadonlyMap<string, Uint8Array> {
  return new Map([
    ...genesis.members.flatMap(memberRecords),
    memberNamesRecord(genesis.members.map((member) => member.name)),
    ...genesis.practitioners.flatMap((practitioner) => practitionerRecords(practitioner, genesis.createdAt)),
    ...genesisPolicyRecords(genesis.policy),
    [voterSetKey, voterSetCodec.encode(genesisVoterSet(genesis))] as const,
  ]);
}

/**
 * What the transaction changes in `state`, or why not; `state` itself is not touched. Refusals: `memberUnknown`,
 * `memberNotActive`, and those of the action's transition.
 */
export function applyTransaction(
  state: RecordReader,
  transaction: Verified<Transaction>,
  block: BlockContext,
): Result<Applied> {
  const member = requireMember(state, transaction.member, null);
  if (!member.ok) return member;
  const context: Context = {
    state,
    member: transaction.member,
    keys: transaction.signatures.map((signature) => signature.key),
    seals: transaction.seals,
    txId: transaction.txId,
    height: block.height,
    timeMs: block.timeMs,
  };
  return applyAction(context, transaction.action);
}

/** A lookup by kind: the compiler asks for a transition of every kind, and holds each to the body of its kind. */
const transitions: { readonly [K in ActionKind]: Transition<K> } = {
  'practitioner.register': register,
  'practitioner.scope': scope,
  'practitioner.suspend': suspend,
  'practitioner.reinstate': reinstate,
  'key.add': addKey,
  'key.rotate': rotateKey,
  'key.revoke': revokeKey,
  'delegation.grant': grant,
  'delegation.revoke': revokeGrant,
  'rx.issue': issue,
  'rx.review': review,
  'rx.cancel': cancel,
  'rx.hold': hold,
  'rx.release': release,
  'rx.nominate': nominate,
  'rx.redirect': redirect,
  'substitution.request': askSubstitution,
  'substitution.decide': decideSubstitution,
  'renewal.request': askRenewal,
  'renewal.decide': decideRenewal,
  'fill.reserve': reserve,
  'fill.extend': extend,
  'fill.return': returnFill,
  'fill.dispense': dispense,
  'fill.close': closeFill,
  'fill.withdraw': withdraw,
  'delivery.ship': ship,
  'delivery.scan': scan,
  'delivery.deliver': deliver,
  'delivery.fail': fail,
  'delivery.return': takeBack,
  'delivery.report': reportBreach,
  'delivery.receive': receive,
  'claim.estimate': estimate,
  'claim.adjudicate': adjudicate,
  'claim.pay': pay,
  'claim.submit': submit,
  'claim.dispute': dispute,
  'claim.accept': accept,
  'claim.reverse': reverse,
  'claim.recoup': recoup,
  'settle.propose': propose,
  'settle.dispute': disputeStatement,
  'settle.confirm': confirm,
  'settle.paid': markPaid,
  'settle.net': net,
  'settle.agree': agree,
  'settle.transfer': transfer,
  'member.join': join,
  'member.rotate': rotate,
  'member.ready': ready,
  'member.propose': proposeChange,
  'member.vote': (context, body) => castVote(context, body, 'member'),
  'policy.propose': proposePolicy,
  'policy.vote': (context, body) => castVote(context, body, 'policy'),
  'evidence.report': report,
};

function applyAction<K extends ActionKind>(context: Context, action: ActionOf<K>): Result<Applied> {
  return transitions[action.kind](context, action.body);
}
