/** Acts of governance, each signed by whom it needs; a test overrides what differs. */
import type { Action, ActionBody, ActionKind } from '../../protocol/action.ts';
import type { Height, Id, MemberName, PublicKey, Signature } from '../../protocol/brand.ts';
import type { MemberKeys } from '../../protocol/member.ts';
import type { Ticket } from '../../protocol/ticket.ts';
import { defaultPolicy, policyTakingEffect } from '../../protocol/policy.ts';
import {
  after,
  at,
  courier,
  dayMs,
  hospital,
  idOf,
  insurer,
  keyOf,
  name,
  noon,
  pharmacy,
  readerOf,
  type Act,
  type World,
} from './domain.ts';

interface Overrides<K extends ActionKind> {
  readonly member?: MemberName;
  readonly keys?: readonly PublicKey[];
  readonly body?: Partial<ActionBody<K>>;
}

export const motionId: Id = idOf('motion');
export const newcomer: MemberName = name('newcomer');
export const expiresHeight: Height = 1_000 as Height;

function anAct<K extends ActionKind>(
  kind: K,
  usual: { readonly member: MemberName; readonly keys: readonly PublicKey[]; readonly body: ActionBody<K> },
  overrides: Overrides<K>,
): Act {
  return {
    member: overrides.member ?? usual.member,
    keys: overrides.keys ?? usual.keys,
    seals: [],
    action: { kind, body: { ...usual.body, ...overrides.body } } as Action,
  };
}

export function adminKeyOf(member: MemberName): PublicKey {
  return keyOf(`${member} admin`);
}

/** The keys of a member as `genesis` has them; `suffix` makes others. */
export function memberKeysOf(member: MemberName, suffix = ''): MemberKeys {
  return {
    networkKey: keyOf(`${member} network${suffix}`),
    consensusKey: keyOf(`${member} consensus${suffix}`),
    sealingKey: keyOf(`${member} sealing${suffix}`),
    adminKey: keyOf(`${member} admin${suffix}`),
  };
}

export function aTicket(overrides: Partial<Ticket> = {}): Ticket {
  return {
    motionId,
    expiresHeight,
    inviter: hospital,
    name: newcomer,
    roles: ['pharmacy'],
    until: at(noon + 7 * dayMs),
    key: adminKeyOf(hospital),
    signature: '00'.repeat(64) as Signature,
    ...overrides,
  };
}

/** The newcomer joins through the hospital. */
export function aJoin(overrides: Overrides<'member.join'> = {}): Act {
  const keys = overrides.body?.keys ?? memberKeysOf(newcomer);
  const body = { ticket: aTicket(), keys };
  const signers = [keys.networkKey, keys.consensusKey, keys.adminKey];
  return anAct('member.join', { member: hospital, keys: signers, body }, overrides);
}

/** The pharmacy rotates all its keys. */
export function aRotation(overrides: Overrides<'member.rotate'> = {}): Act {
  const keys = memberKeysOf(pharmacy, ' 2');
  const body = { motionId, expiresHeight, member: pharmacy, keys };
  const signers = [adminKeyOf(pharmacy), keys.networkKey, keys.consensusKey, keys.adminKey];
  return anAct('member.rotate', { member: pharmacy, keys: signers, body }, overrides);
}

/** The courier, an observer, is ready. */
export function aReady(overrides: Overrides<'member.ready'> = {}): Act {
  const member = overrides.member ?? courier;
  const body = { height: 0 as Height };
  return anAct('member.ready', { member, keys: [adminKeyOf(member)], body }, overrides);
}

/** The hospital moves that the courier be promoted. */
export function aMotion(overrides: Overrides<'member.propose'> = {}): Act {
  const member = overrides.member ?? hospital;
  const body = { motionId, expiresHeight, change: 'promote', member: courier, isForced: false } as const;
  return anAct('member.propose', { member, keys: [adminKeyOf(member)], body }, overrides);
}

/** As the block at this height begins: a policy that was voted in may take effect. */
export function begun(world: World, height: number): World {
  const records = new Map(world.records);
  for (const [key, record] of policyTakingEffect(readerOf(world), height as Height)) {
    if (record === null) records.delete(key);
    else records.set(key, record);
  }
  return { ...world, records, height };
}

/** The hospital moves that prescriptions hold for ten days, from height 10 on. */
export function aPolicyMotion(overrides: Overrides<'policy.propose'> = {}): Act {
  const validityMsMax = { ...defaultPolicy.validityMsMax, ordinary: 10 * dayMs };
  const policy = { ...defaultPolicy, version: 2, validityMsMax };
  const body = { motionId, expiresHeight, policy, effectiveHeight: 10 as Height };
  return anAct('policy.propose', { member: hospital, keys: [adminKeyOf(hospital)], body }, overrides);
}

export function aVoteOf(member: MemberName, overrides: Overrides<'member.vote'> = {}): Act {
  const body = { motionId, approve: true };
  return anAct('member.vote', { member, keys: [adminKeyOf(member)], body }, overrides);
}

export function aPolicyVoteOf(member: MemberName, overrides: Overrides<'policy.vote'> = {}): Act {
  const body = { motionId, approve: true };
  return anAct('policy.vote', { member, keys: [adminKeyOf(member)], body }, overrides);
}

export function atHeight(world: World, height: number): World {
  return { ...world, height };
}

/** After the approvals of three of the four voters. */
export function carried(world: World, id: Id = motionId): World {
  const votes = [hospital, pharmacy, insurer].map((voter) => aVoteOf(voter, { body: { motionId: id } }));
  return after(world, ...votes);
}

export function policyCarried(world: World): World {
  return after(world, ...[hospital, pharmacy, insurer].map((voter) => aPolicyVoteOf(voter)));
}
