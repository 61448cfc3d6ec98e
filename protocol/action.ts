/** Actions: what a transaction does, one kind each. The body of each kind is defined where its transition is. */
import * as z from 'zod';
import type { Digest } from './brand.ts';
import {
  askRenewalBodySchema,
  askSubstitutionBodySchema,
  decideRenewalBodySchema,
  decideSubstitutionBodySchema,
  type AskRenewalBody,
  type AskSubstitutionBody,
  type DecideRenewalBody,
  type DecideSubstitutionBody,
} from './asking.ts';
import {
  acceptBodySchema,
  adjudicateBodySchema,
  disputeBodySchema,
  estimateBodySchema,
  payBodySchema,
  recoupBodySchema,
  reverseBodySchema,
  submitBodySchema,
  type AcceptBody,
  type AdjudicateBody,
  type DisputeBody,
  type EstimateBody,
  type PayBody,
  type RecoupBody,
  type ReverseBody,
  type SubmitBody,
} from './claim.ts';
import { parseWith } from './codec.ts';
import {
  grantBodySchema,
  revokeGrantBodySchema,
  type GrantBody,
  type RevokeGrantBody,
} from './delegation.ts';
import {
  deliverBodySchema,
  receiveBodySchema,
  scanBodySchema,
  shipBodySchema,
  type DeliverBody,
  type ReceiveBody,
  type ScanBody,
  type ShipBody,
} from './delivery.ts';
import { evidenceChecks } from './evidence.ts';
import {
  failBodySchema,
  breachBodySchema,
  takeBackBodySchema,
  type FailBody,
  type BreachBody,
  type TakeBackBody,
} from './failing.ts';
import {
  closeBodySchema,
  dispenseBodySchema,
  extendBodySchema,
  reserveBodySchema,
  returnBodySchema,
  withdrawBodySchema,
  type CloseBody,
  type DispenseBody,
  type ExtendBody,
  type ReserveBody,
  type ReturnBody,
  type WithdrawBody,
} from './fill.ts';
import {
  joinBodySchema,
  proposeBodySchema,
  proposePolicyBodySchema,
  readyBodySchema,
  rotateBodySchema,
  type JoinBody,
  type ProposeBody,
  type ProposePolicyBody,
  type ReadyBody,
  type RotateBody,
} from './governance.ts';
import {
  nominateBodySchema,
  redirectBodySchema,
  type NominateBody,
  type RedirectBody,
} from './nominating.ts';
import { stopBodySchema, type StopBody } from './stopping.ts';
import {
  registerBodySchema,
  scopeBodySchema,
  suspensionBodySchema,
  type RegisterBody,
  type ScopeBody,
  type SuspensionBody,
} from './practitioner.ts';
import {
  addKeyBodySchema,
  revokeKeyBodySchema,
  rotateKeyBodySchema,
  type AddKeyBody,
  type RevokeKeyBody,
  type RotateKeyBody,
} from './practitionerKey.ts';
import { issueBodySchema, reviewBodySchema, type IssueBody, type ReviewBody } from './prescribing.ts';
import { reportBodySchema, type ReportBody } from './reporting.ts';
import {
  agreeBodySchema,
  netBodySchema,
  transferBodySchema,
  type AgreeBody,
  type NetBody,
  type TransferBody,
} from './netting.ts';
import { accepted, type Result } from './result.ts';
import {
  confirmBodySchema,
  disputeStatementBodySchema,
  paidBodySchema,
  proposeStatementBodySchema,
  type ConfirmBody,
  type DisputeStatementBody,
  type PaidBody,
  type ProposeStatementBody,
} from './settlement.ts';
import type { SignatureCheck } from './signature.ts';
import { ticketCheck } from './ticket.ts';
import { voteBodySchema, type VoteBody } from './voting.ts';

export const actionKinds = [
  'practitioner.register',
  'practitioner.scope',
  'practitioner.suspend',
  'practitioner.reinstate',
  'key.add',
  'key.rotate',
  'key.revoke',
  'delegation.grant',
  'delegation.revoke',
  'rx.issue',
  'rx.review',
  'rx.cancel',
  'rx.hold',
  'rx.release',
  'rx.nominate',
  'rx.redirect',
  'substitution.request',
  'substitution.decide',
  'renewal.request',
  'renewal.decide',
  'fill.reserve',
  'fill.extend',
  'fill.return',
  'fill.dispense',
  'fill.close',
  'fill.withdraw',
  'delivery.ship',
  'delivery.scan',
  'delivery.deliver',
  'delivery.fail',
  'delivery.return',
  'delivery.report',
  'delivery.receive',
  'claim.estimate',
  'claim.adjudicate',
  'claim.pay',
  'claim.submit',
  'claim.dispute',
  'claim.accept',
  'claim.reverse',
  'claim.recoup',
  'settle.propose',
  'settle.dispute',
  'settle.confirm',
  'settle.paid',
  'settle.net',
  'settle.agree',
  'settle.transfer',
  'member.join',
  'member.rotate',
  'member.ready',
  'member.propose',
  'member.vote',
  'policy.propose',
  'policy.vote',
  'evidence.report',
] as const;
export type ActionKind = (typeof actionKinds)[number];

interface ActionBodies {
  readonly 'practitioner.register': RegisterBody;
  readonly 'practitioner.scope': ScopeBody;
  readonly 'practitioner.suspend': SuspensionBody;
  readonly 'practitioner.reinstate': SuspensionBody;
  readonly 'key.add': AddKeyBody;
  readonly 'key.rotate': RotateKeyBody;
  readonly 'key.revoke': RevokeKeyBody;
  readonly 'delegation.grant': GrantBody;
  readonly 'delegation.revoke': RevokeGrantBody;
  readonly 'rx.issue': IssueBody;
  readonly 'rx.review': ReviewBody;
  readonly 'rx.cancel': StopBody;
  readonly 'rx.hold': StopBody;
  readonly 'rx.release': StopBody;
  readonly 'rx.nominate': NominateBody;
  readonly 'rx.redirect': RedirectBody;
  readonly 'substitution.request': AskSubstitutionBody;
  readonly 'substitution.decide': DecideSubstitutionBody;
  readonly 'renewal.request': AskRenewalBody;
  readonly 'renewal.decide': DecideRenewalBody;
  readonly 'fill.reserve': ReserveBody;
  readonly 'fill.extend': ExtendBody;
  readonly 'fill.return': ReturnBody;
  readonly 'fill.dispense': DispenseBody;
  readonly 'fill.close': CloseBody;
  readonly 'fill.withdraw': WithdrawBody;
  readonly 'delivery.ship': ShipBody;
  readonly 'delivery.scan': ScanBody;
  readonly 'delivery.deliver': DeliverBody;
  readonly 'delivery.fail': FailBody;
  readonly 'delivery.return': TakeBackBody;
  readonly 'delivery.report': BreachBody;
  readonly 'delivery.receive': ReceiveBody;
  readonly 'claim.estimate': EstimateBody;
  readonly 'claim.adjudicate': AdjudicateBody;
  readonly 'claim.pay': PayBody;
  readonly 'claim.submit': SubmitBody;
  readonly 'claim.dispute': DisputeBody;
  readonly 'claim.accept': AcceptBody;
  readonly 'claim.reverse': ReverseBody;
  readonly 'claim.recoup': RecoupBody;
  readonly 'settle.propose': ProposeStatementBody;
  readonly 'settle.dispute': DisputeStatementBody;
  readonly 'settle.confirm': ConfirmBody;
  readonly 'settle.paid': PaidBody;
  readonly 'settle.net': NetBody;
  readonly 'settle.agree': AgreeBody;
  readonly 'settle.transfer': TransferBody;
  readonly 'member.join': JoinBody;
  readonly 'member.rotate': RotateBody;
  readonly 'member.ready': ReadyBody;
  readonly 'member.propose': ProposeBody;
  readonly 'member.vote': VoteBody;
  readonly 'policy.propose': ProposePolicyBody;
  readonly 'policy.vote': VoteBody;
  readonly 'evidence.report': ReportBody;
}

/** The body of one kind of action. */
export type ActionBody<K extends ActionKind> = ActionBodies[K];

/** An action of one of these kinds. */
export type ActionOf<K extends ActionKind> = {
  readonly [P in K]: { readonly kind: P; readonly body: ActionBodies[P] };
}[K];

/** One case for each kind: `{ kind: 'rx.issue', body: IssueBody }` and so on. */
export type Action = ActionOf<ActionKind>;

/** The schemas of the bodies by kind; clients that build forms or documents from them read them here. */
export const bodySchemas: { readonly [K in ActionKind]: z.ZodType<ActionBodies[K]> } = {
  'practitioner.register': registerBodySchema,
  'practitioner.scope': scopeBodySchema,
  'practitioner.suspend': suspensionBodySchema,
  'practitioner.reinstate': suspensionBodySchema,
  'key.add': addKeyBodySchema,
  'key.rotate': rotateKeyBodySchema,
  'key.revoke': revokeKeyBodySchema,
  'delegation.grant': grantBodySchema,
  'delegation.revoke': revokeGrantBodySchema,
  'rx.issue': issueBodySchema,
  'rx.review': reviewBodySchema,
  'rx.cancel': stopBodySchema,
  'rx.hold': stopBodySchema,
  'rx.release': stopBodySchema,
  'rx.nominate': nominateBodySchema,
  'rx.redirect': redirectBodySchema,
  'substitution.request': askSubstitutionBodySchema,
  'substitution.decide': decideSubstitutionBodySchema,
  'renewal.request': askRenewalBodySchema,
  'renewal.decide': decideRenewalBodySchema,
  'fill.reserve': reserveBodySchema,
  'fill.extend': extendBodySchema,
  'fill.return': returnBodySchema,
  'fill.dispense': dispenseBodySchema,
  'fill.close': closeBodySchema,
  'fill.withdraw': withdrawBodySchema,
  'delivery.ship': shipBodySchema,
  'delivery.scan': scanBodySchema,
  'delivery.deliver': deliverBodySchema,
  'delivery.fail': failBodySchema,
  'delivery.return': takeBackBodySchema,
  'delivery.report': breachBodySchema,
  'delivery.receive': receiveBodySchema,
  'claim.estimate': estimateBodySchema,
  'claim.adjudicate': adjudicateBodySchema,
  'claim.pay': payBodySchema,
  'claim.submit': submitBodySchema,
  'claim.dispute': disputeBodySchema,
  'claim.accept': acceptBodySchema,
  'claim.reverse': reverseBodySchema,
  'claim.recoup': recoupBodySchema,
  'settle.propose': proposeStatementBodySchema,
  'settle.dispute': disputeStatementBodySchema,
  'settle.confirm': confirmBodySchema,
  'settle.paid': paidBodySchema,
  'settle.net': netBodySchema,
  'settle.agree': agreeBodySchema,
  'settle.transfer': transferBodySchema,
  'member.join': joinBodySchema,
  'member.rotate': rotateBodySchema,
  'member.ready': readyBodySchema,
  'member.propose': proposeBodySchema,
  'member.vote': voteBodySchema,
  'policy.propose': proposePolicyBodySchema,
  'policy.vote': voteBodySchema,
  'evidence.report': reportBodySchema,
};

/** A decoded body (wire values: ids and hashes are bytes) of a known kind. Refusal `malformed` names the first wrong field. */
export function parseAction(kind: ActionKind, wireBody: Readonly<Record<string, unknown>>): Result<Action> {
  const schema: z.ZodType = bodySchemas[kind];
  const body = parseWith(schema, wireBody);
  return body.ok ? accepted({ kind, body: body.value } as Action) : body;
}

/** The body as wire values, ready for CBOR. */
export function actionToWire(action: Action): Readonly<Record<string, unknown>> {
  const schema: z.ZodType = bodySchemas[action.kind];
  return z.encode(schema, action.body) as Readonly<Record<string, unknown>>;
}

/** Signatures that stand within a body: they must hold like those of the envelope, or the transaction is none. Most actions have none. */
export function signaturesWithin(action: Action, chainId: Digest): readonly SignatureCheck[] {
  if (action.kind === 'member.join') return [ticketCheck(chainId, action.body.ticket)];
  return action.kind === 'evidence.report' ? evidenceChecks(chainId, action.body.evidence) : [];
}
