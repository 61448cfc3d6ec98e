/** The state that a chain starts with, and what a transaction does to it: one transition for each kind of action. */
import type { Context } from './authorisation.ts';
import type { Action } from './action.ts';
import type { Digest, Height, Timestamp, Verified } from './brand.ts';
import { accept, adjudicate, estimate, pay, submit } from './claiming.ts';
import { deliver, receive, ship } from './delivery.ts';
import { closeFill, dispense, reserve, returnFill } from './fill.ts';
import { genesisVoterSet, type Genesis } from './genesis.ts';
import { unreachable } from './invariant.ts';
import { join, propose as proposeChange, proposePolicy, ready, rotate } from './governance.ts';
import { memberNamesRecord, memberRecords, requireMember } from './membership.ts';
import { genesisPolicyRecords } from './policy.ts';
import { practitionerRecords } from './practitioner.ts';
import { cancel, issue, review } from './prescribing.ts';
import type { Applied, RecordReader } from './record.ts';
import { register, suspend } from './registration.ts';
import { report } from './reporting.ts';
import type { Result } from './result.ts';
import { confirm, markPaid, propose } from './settlement.ts';
import type { Transaction } from './transaction.ts';
import { castVote } from './voting.ts';
import { voterSetCodec, voterSetKey } from './voterSet.ts';

/** What transitions know of the block that includes the transaction. */
export interface BlockContext {
  readonly chainId: Digest;
  readonly height: Height;
  readonly timeMs: Timestamp;
}

/** Members, practitioners with their keys, policy and voters, as the records of height 0. */
export function genesisRecords(genesis: Genesis): ReadonlyMap<string, Uint8Array> {
  return new Map([
    ...genesis.members.flatMap(memberRecords),
    memberNamesRecord(genesis.members.map((member) => member.name)),
    ...genesis.practitioners.flatMap((practitioner) => practitionerRecords(practitioner)),
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

function applyAction(context: Context, action: Action): Result<Applied> {
  switch (action.kind) {
    case 'practitioner.register':
      return register(context, action.body);
    case 'practitioner.suspend':
      return suspend(context, action.body);
    case 'rx.issue':
      return issue(context, action.body);
    case 'rx.review':
      return review(context, action.body);
    case 'rx.cancel':
      return cancel(context, action.body);
    case 'fill.reserve':
      return reserve(context, action.body);
    case 'fill.return':
      return returnFill(context, action.body);
    case 'fill.dispense':
      return dispense(context, action.body);
    case 'fill.close':
      return closeFill(context, action.body);
    case 'delivery.ship':
      return ship(context, action.body);
    case 'delivery.deliver':
      return deliver(context, action.body);
    case 'delivery.receive':
      return receive(context, action.body);
    case 'claim.estimate':
      return estimate(context, action.body);
    case 'claim.adjudicate':
      return adjudicate(context, action.body);
    case 'claim.pay':
      return pay(context, action.body);
    case 'claim.submit':
      return submit(context, action.body);
    case 'claim.accept':
      return accept(context, action.body);
    case 'settle.propose':
      return propose(context, action.body);
    case 'settle.confirm':
      return confirm(context, action.body);
    case 'settle.paid':
      return markPaid(context, action.body);
    case 'member.join':
      return join(context, action.body);
    case 'member.rotate':
      return rotate(context, action.body);
    case 'member.ready':
      return ready(context, action.body);
    case 'member.propose':
      return proposeChange(context, action.body);
    case 'member.vote':
      return castVote(context, action.body, 'member');
    case 'policy.propose':
      return proposePolicy(context, action.body);
    case 'policy.vote':
      return castVote(context, action.body, 'policy');
    case 'evidence.report':
      return report(context, action.body);
    default:
      return unreachable(action);
  }
}
