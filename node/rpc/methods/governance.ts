/** Members: who they are, and how they come, change and go. Everything that changes them is a motion and its votes. */
import * as z from 'zod';
import type { Action } from '../../../protocol/action.ts';
import type { Height, Id, Timestamp } from '../../../protocol/brand.ts';
import { heightSchema, nameSchema } from '../../../protocol/codec.ts';
import { motionHeightsDefault } from '../../../protocol/limits.ts';
import { memberKeysSchema, memberRoles } from '../../../protocol/member.ts';
import { readMember } from '../../../protocol/membership.ts';
import { memberChanges, readMotion, readMotionList } from '../../../protocol/motion.ts';
import { accepted } from '../../../protocol/result.ts';
import { encodeTicket, ticketSigningBytes, type Invitation } from '../../../protocol/ticket.ts';
import { decodeTransaction } from '../../../protocol/transaction.ts';
import { currentVoterSet } from '../../../protocol/voterSet.ts';
import { fault, faultOf, type Outcome } from '../errors.ts';
import { evidenceViews, memberView, motionView, votersView } from '../governanceViews.ts';
import { bytesJson, bytesText, hexOf, jsonSchema, timeOf, timestampJson } from '../json.ts';
import { ticketMsDefault } from '../limits.ts';
import { method, noParams, type Method, type RpcContext } from '../method.ts';
import type { RpcPorts } from '../ports.ts';
import { transactionResultSchema, writeResultSchema } from '../resultSchemas.ts';
import type { WriteResult } from '../contract.ts';
import { submitAndWait, uuid, waitShape, write, writeShape, type WriteChoice } from '../write.ts';
import { idJson } from './rx.ts';

/** The motion that a write opens; made here when the caller gives none. */
export interface MotionChoice {
  readonly motionId: Id | null;
  readonly expiresHeight: Height | null;
}

export const motionShape: { readonly [Key in keyof MotionChoice]: z.ZodType<MotionChoice[Key]> } = {
  motionId: idJson.nullable().default(null),
  expiresHeight: heightSchema.nullable().default(null),
};

interface Call<Params> {
  readonly method: string;
  /** As parsed: the same parameters under the same id are the same call. */
  readonly params: Params;
}

/** Signed by this member's admin key unless another is named. */
export function writeAsAdmin<Params extends WriteChoice>(
  context: RpcContext,
  { method: name, params }: Call<Params>,
  action: Action,
): ReturnType<typeof write> {
  const choice = { ...params, practitioner: params.practitioner ?? 'admin' };
  const own = { ...params, waitFor: null, timeoutMs: null };
  return write(context, { method: name, params: own, choice }, () =>
    accepted({ action, seals: [], signers: [], extra: {} }),
  );
}

/** As `writeAsAdmin`; the answer names the motion that it opened. */
export async function writeMotion<Params extends WriteChoice & MotionChoice>(
  context: RpcContext,
  call: Call<Params>,
  actionOf: (motion: OpenedMotion) => Action,
): Promise<Outcome<WriteResult & { readonly motionId: string }>> {
  const motion = motionOf(context.ports, call.params);
  const result = await writeAsAdmin(context, call, actionOf(motion));
  return result.ok ? accepted({ ...result.value, motionId: hexOf(motion.motionId) }) : result;
}

interface OpenedMotion {
  readonly motionId: Id;
  readonly expiresHeight: Height;
}

function motionOf(
  ports: RpcPorts,
  { motionId, expiresHeight, id }: MotionChoice & Pick<WriteChoice, 'id'>,
): OpenedMotion {
  return {
    // With the write's own id, the same call again opens the same motion.
    motionId: motionId ?? id ?? uuid(ports),
    expiresHeight: expiresHeight ?? ((ports.ledger.height() + motionHeightsDefault) as Height),
  };
}

const list = method('member_list', {
  summary: 'Every member of the consortium: roles, keys, standing, and who votes.',
  params: noParams,
  handle: (_params, { ports }) => {
    const { epoch, voters } = currentVoterSet(ports.ledger.state());
    return accepted({
      items: ports.ledger.members().map((member) => memberView(ports.ledger, member)),
      nextCursor: null,
      asOfHeight: ports.ledger.height(),
      epoch,
      voters: votersView(voters),
    });
  },
});

const get = method('member_get', {
  summary: 'One member.',
  params: z.strictObject({ name: nameSchema }),
  handle: ({ name }, { ports }) => {
    const member = readMember(ports.ledger.state(), name);
    if (member === null) return fault('memberUnknown', 'name');
    return accepted({ asOfHeight: ports.ledger.height(), member: memberView(ports.ledger, member) });
  },
});

const invite = method('member_invite', {
  summary: 'Signs a ticket for a newcomer under the admin key of this member; hand it over out of band.',
  params: z.strictObject({
    ...motionShape,
    name: nameSchema,
    roles: z.array(z.enum(memberRoles)).min(1).max(memberRoles.length),
    until: timestampJson.nullable().default(null),
  }),
  handle: async (params, { ports }) => {
    const admin = ports.keystore.entries().find((entry) => entry.name === 'admin');
    if (admin === undefined) return fault('keyUnknown', 'admin');
    const until = params.until ?? ((ports.now() + ticketMsDefault) as Timestamp);
    const invitation: Invitation = {
      ...motionOf(ports, { ...params, id: null }),
      inviter: ports.keystore.member,
      name: params.name,
      roles: params.roles,
      until,
      key: admin.publicKey,
    };
    const { chainId } = ports.ledger;
    const signed = await ports.keystore.sign('admin', ticketSigningBytes(chainId, invitation));
    if (!signed.ok) return faultOf(signed.refusal);
    const { motionId, expiresHeight, inviter, name, roles } = invitation;
    return accepted({
      ticket: bytesText(encodeTicket({ ...invitation, signature: signed.value.sig })),
      chainId: hexOf(chainId),
      motionId: hexOf(motionId),
      expiresHeight,
      inviter,
      name,
      roles,
      until: timeOf(until),
    });
  },
});

const join = method('member_join', {
  summary:
    "Submits a newcomer's signed join, which it made from a ticket of this member; its admission is then put to the vote.",
  params: z.strictObject({ transaction: bytesJson, ...waitShape }),
  result: transactionResultSchema,
  handle: async ({ transaction, ...wait }, { ports }) => {
    const decoded = decodeTransaction(transaction);
    if (!decoded.ok) return faultOf(decoded.refusal);
    const { action } = decoded.value;
    if (action.kind !== 'member.join') return fault('invalidParams', 'transaction');
    const result = await submitAndWait(ports, transaction, wait);
    if (!result.ok) return result;
    return accepted({ ...result.value, motionId: hexOf(action.body.ticket.motionId) });
  },
});

const ready = method('member_ready', {
  summary:
    'Says on the ledger that this node is in step with it; a member is promoted to voter within a day of this.',
  params: z.strictObject({ ...writeShape }),
  result: writeResultSchema,
  handle: (params, context) => {
    const { ledger, ops } = context.ports;
    if (!ops.ready().ok) return fault('unavailable');
    const height = ledger.height();
    const call = { method: 'member_ready', params };
    return writeAsAdmin(context, call, { kind: 'member.ready', body: { height } });
  },
});

const propose = method('member_propose', {
  summary:
    'Moves to promote, demote, suspend, reinstate or remove a member; motion_get tells n, f and q before and after.',
  params: z.strictObject({
    ...writeShape,
    ...motionShape,
    change: z.enum(memberChanges),
    member: nameSchema,
    isForced: z.boolean().default(false),
  }),
  result: writeResultSchema,
  handle: (params, context) => {
    const { change, member, isForced } = params;
    return writeMotion(context, { method: 'member_propose', params }, (motion) => ({
      kind: 'member.propose',
      body: { ...motion, change, member, isForced },
    }));
  },
});

const rotate = method('member_rotate', {
  summary:
    'Moves to give a member other keys; coSigners are the new ones in this keystore, tx_build serves those held elsewhere.',
  params: z.strictObject({
    ...writeShape,
    ...motionShape,
    member: nameSchema,
    keys: jsonSchema(memberKeysSchema),
  }),
  result: writeResultSchema,
  handle: (params, context) => {
    const { member, keys } = params;
    return writeMotion(context, { method: 'member_rotate', params }, (motion) => ({
      kind: 'member.rotate',
      body: { ...motion, member, keys },
    }));
  },
});

interface VoteInput extends WriteChoice {
  readonly motionId: Id;
  readonly approve: boolean;
}

export const voteParams: z.ZodType<VoteInput> = z.strictObject({
  ...writeShape,
  motionId: idJson,
  approve: z.boolean(),
});

const vote = method('member_vote', {
  summary: 'Votes on a motion about a member; the vote that makes a quorum does what the motion says.',
  params: voteParams,
  result: writeResultSchema,
  handle: (params, context) => {
    const { motionId, approve } = params;
    const action = { kind: 'member.vote', body: { motionId, approve } } as const;
    return writeAsAdmin(context, { method: 'member_vote', params }, action);
  },
});

const listMotions = method('motion_list', {
  summary: 'Motions that are open or were decided lately, the newest first.',
  params: noParams,
  handle: (_params, { ports }) => {
    const state = ports.ledger.state();
    const { open, closed } = readMotionList(state);
    const motionIds = [...closed, ...open.map((entry) => entry.motionId)].toReversed();
    return accepted({
      items: motionIds.flatMap((id) => {
        const motion = readMotion(state, id);
        return motion === null ? [] : [motionView(ports.ledger, motion)];
      }),
      nextCursor: null,
      asOfHeight: ports.ledger.height(),
    });
  },
});

const getMotion = method('motion_get', {
  summary: 'A motion: what it says, how the vote stands, and n, f and q of the voters before and after.',
  params: z.strictObject({ motionId: idJson }),
  handle: ({ motionId }, { ports }) => {
    const motion = readMotion(ports.ledger.state(), motionId);
    if (motion === null) return fault('motionUnknown', 'motionId');
    return accepted({ asOfHeight: ports.ledger.height(), motion: motionView(ports.ledger, motion) });
  },
});

const listEvidence = method('evidence_list', {
  summary: 'Proven equivocations of members with their evidence, the newest first.',
  params: noParams,
  handle: (_params, { ports }) =>
    accepted({
      items: evidenceViews(ports.ledger),
      nextCursor: null,
      asOfHeight: ports.ledger.height(),
    }),
});

export const governanceMethods: readonly Method[] = [
  list,
  get,
  invite,
  join,
  ready,
  propose,
  rotate,
  vote,
  listMotions,
  getMotion,
  listEvidence,
];
