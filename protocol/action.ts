/** Actions: what a transaction does, one kind each. The body of each kind is defined where its transition is. */
import * as z from 'zod';
import type { Digest } from './brand.ts';
import {
  acceptBodySchema,
  adjudicateBodySchema,
  estimateBodySchema,
  payBodySchema,
  submitBodySchema,
  type AcceptBody,
  type AdjudicateBody,
  type EstimateBody,
  type PayBody,
  type SubmitBody,
} from './claim.ts';
import { parseWith } from './codec.ts';
import {
  deliverBodySchema,
  receiveBodySchema,
  shipBodySchema,
  type DeliverBody,
  type ReceiveBody,
  type ShipBody,
} from './delivery.ts';
import { evidenceChecks } from './evidence.ts';
import {
  closeBodySchema,
  dispenseBodySchema,
  reserveBodySchema,
  returnBodySchema,
  type CloseBody,
  type DispenseBody,
  type ReserveBody,
  type ReturnBody,
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
  registerBodySchema,
  suspendBodySchema,
  type RegisterBody,
  type SuspendBody,
} from './practitioner.ts';
import {
  cancelBodySchema,
  issueBodySchema,
  reviewBodySchema,
  type CancelBody,
  type IssueBody,
  type ReviewBody,
} from './prescribing.ts';
import { reportBodySchema, type ReportBody } from './reporting.ts';
import { accepted, type Result } from './result.ts';
import { paidBodySchema, statementBodySchema, type PaidBody, type StatementBody } from './settlement.ts';
import type { SignatureCheck } from './signature.ts';
import { ticketCheck } from './ticket.ts';
import { voteBodySchema, type VoteBody } from './voting.ts';

export const actionKinds = [
  'practitioner.register',
  'practitioner.suspend',
  'rx.issue',
  'rx.review',
  'rx.cancel',
  'fill.reserve',
  'fill.return',
  'fill.dispense',
  'fill.close',
  'delivery.ship',
  'delivery.deliver',
  'delivery.receive',
  'claim.estimate',
  'claim.adjudicate',
  'claim.pay',
  'claim.submit',
  'claim.accept',
  'settle.propose',
  'settle.confirm',
  'settle.paid',
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
  readonly 'practitioner.suspend': SuspendBody;
  readonly 'rx.issue': IssueBody;
  readonly 'rx.review': ReviewBody;
  readonly 'rx.cancel': CancelBody;
  readonly 'fill.reserve': ReserveBody;
  readonly 'fill.return': ReturnBody;
  readonly 'fill.dispense': DispenseBody;
  readonly 'fill.close': CloseBody;
  readonly 'delivery.ship': ShipBody;
  readonly 'delivery.deliver': DeliverBody;
  readonly 'delivery.receive': ReceiveBody;
  readonly 'claim.estimate': EstimateBody;
  readonly 'claim.adjudicate': AdjudicateBody;
  readonly 'claim.pay': PayBody;
  readonly 'claim.submit': SubmitBody;
  readonly 'claim.accept': AcceptBody;
  readonly 'settle.propose': StatementBody;
  readonly 'settle.confirm': StatementBody;
  readonly 'settle.paid': PaidBody;
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

/** One case for each kind: `{ kind: 'rx.issue', body: IssueBody }` and so on. */
export type Action = {
  readonly [K in ActionKind]: { readonly kind: K; readonly body: ActionBodies[K] };
}[ActionKind];

/** The schemas of the bodies by kind; clients that build forms or documents from them read them here. */
export const bodySchemas: { readonly [K in ActionKind]: z.ZodType<ActionBodies[K]> } = {
  'practitioner.register': registerBodySchema,
  'practitioner.suspend': suspendBodySchema,
  'rx.issue': issueBodySchema,
  'rx.review': reviewBodySchema,
  'rx.cancel': cancelBodySchema,
  'fill.reserve': reserveBodySchema,
  'fill.return': returnBodySchema,
  'fill.dispense': dispenseBodySchema,
  'fill.close': closeBodySchema,
  'delivery.ship': shipBodySchema,
  'delivery.deliver': deliverBodySchema,
  'delivery.receive': receiveBodySchema,
  'claim.estimate': estimateBodySchema,
  'claim.adjudicate': adjudicateBodySchema,
  'claim.pay': payBodySchema,
  'claim.submit': submitBodySchema,
  'claim.accept': acceptBodySchema,
  'settle.propose': statementBodySchema,
  'settle.confirm': statementBodySchema,
  'settle.paid': paidBodySchema,
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
