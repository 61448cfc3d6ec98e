/** The consortium's own affairs: a newcomer, a motion that fails, other keys, other rules, and a proof against a member. */
import type { JsonObject } from '../../../node/rpc/contract.ts';
import { bytesText, toJson } from '../../../node/rpc/json.ts';
import { batchDigest, batchSigningBytes } from '../../../protocol/batch.ts';
import type { Height, MemberName, Sequence, Timestamp } from '../../../protocol/brand.ts';
import { batchEvidence } from '../../../protocol/evidence.ts';
import {
  joinBodySchema,
  proposePolicyBodySchema,
  rotateBodySchema,
  type JoinBody,
} from '../../../protocol/governance.ts';
import { defaultPolicy } from '../../../protocol/policy.ts';
import { reportBodySchema } from '../../../protocol/reporting.ts';
import { ticketSigningBytes } from '../../../protocol/ticket.ts';
import {
  encodeEnvelope,
  encodePayload,
  transactionId,
  transactionSigningBytes,
} from '../../../protocol/transaction.ts';
import { digestOf, idOf } from '../domain.ts';
import { aSeed, aSigner } from '../keys.ts';
import { memberKeysOf } from './cast.ts';
import { actsIn } from './acts.ts';
import { day, hour, id, type Setting, type Step } from './step.ts';

const voters = ['hospital', 'pharmacy', 'insurer', 'rival'] as const;
const newcomer = 'newcomer';
const newcomerKeys = ['network', 'consensus', 'admin'] as const;
const expiresHeight = 100_000 as Height;

export function consortium(setting: Setting): readonly Step[] {
  const { step } = actsIn(setting);
  const demotion = { motionId: id('demotion'), expiresHeight, change: 'demote', member: 'rival' };
  return [
    ...admission(setting),
    // A height that any later block may name.
    step('member.ready', { by: 'hospital: admin', body: { height: 0 }, params: {} }),
    step('member.propose', { by: 'insurer: admin', body: { ...demotion, isForced: false } }),
    ...voters.slice(0, 2).map((member) => vote(setting, 'demotion', { member, approve: false })),
    step('member.vote', {
      by: 'insurer: admin',
      body: { motionId: id('demotion'), approve: true },
      outcome: 'motionClosed',
    }),
    rotation(setting),
    ...rules(setting),
  ];
}

interface Ballot {
  readonly member: string;
  readonly approve: boolean;
  readonly kind?: 'member.vote' | 'policy.vote';
}

function vote(setting: Setting, motion: string, { member, approve, kind = 'member.vote' }: Ballot): Step {
  return actsIn(setting).step(kind, { by: `${member}: admin`, body: { motionId: id(motion), approve } });
}

/** Invited by the hospital, and voted in. */
function admission(setting: Setting): readonly Step[] {
  const body = joinBody(setting);
  const join = actsIn(setting).step('member.join', {
    by: 'hospital',
    body: toJson(joinBodySchema, body),
    params: { transaction: joinTransaction(setting, body) },
    seeds: newcomerKeys.map((purpose) => aSeed(`${newcomer} ${purpose}`)),
  });
  const approvals = voters.slice(0, setting.quorum);
  return [join, ...approvals.map((member) => vote(setting, 'admission', { member, approve: true }))];
}

function joinBody({ chainId, startMs }: Setting): JoinBody {
  const admin = aSigner('hospital admin');
  const invitation = {
    motionId: idOf('admission'),
    expiresHeight,
    inviter: 'hospital' as MemberName,
    name: newcomer as MemberName,
    roles: ['pharmacy'] as const,
    until: (startMs + day) as Timestamp,
    key: admin.publicKey,
  };
  const signature = admin.sign(ticketSigningBytes(chainId, invitation));
  return { ticket: { ...invitation, signature }, keys: memberKeysOf(newcomer) };
}

/** As the newcomer makes it and hands it to its inviter. */
function joinTransaction({ chainId, startMs }: Setting, body: JoinBody): string {
  const payload = encodePayload({
    chainId,
    id: idOf('join'),
    member: body.ticket.inviter,
    notAfter: (startMs + hour) as Timestamp,
    action: { kind: 'member.join', body },
    seals: [],
  });
  const message = transactionSigningBytes(chainId, transactionId(payload));
  const signers = newcomerKeys.map((purpose) => aSigner(`${newcomer} ${purpose}`));
  const signatures = signers.map((signer) => ({ key: signer.publicKey, sig: signer.sign(message) }));
  return bytesText(encodeEnvelope(payload, signatures));
}

/** Nobody votes on it: the insurer's admin key is needed for what follows. */
function rotation(setting: Setting): Step {
  const keys = { ...memberKeysOf('insurer'), adminKey: aSigner('insurer card').publicKey };
  const motion = { motionId: idOf('rotation'), expiresHeight, member: 'insurer' as MemberName, keys };
  const body = toJson(rotateBodySchema, motion) as unknown as JsonObject;
  return actsIn(setting).step('member.rotate', { by: 'insurer: admin + card', body });
}

/** Another time for renewals, from the height after the vote on. */
function rules(setting: Setting): readonly Step[] {
  const policy = { ...defaultPolicy, version: 2, renewalMs: 14 * day };
  const motion = { motionId: idOf('rules'), expiresHeight, policy, effectiveHeight: 0 as Height };
  const body = toJson(proposePolicyBodySchema, motion) as unknown as JsonObject;
  const ballots = voters.slice(0, setting.quorum);
  return [
    actsIn(setting).step('policy.propose', { by: 'pharmacy: admin', body }),
    ...ballots.map((member) => vote(setting, 'rules', { member, approve: true, kind: 'policy.vote' })),
  ];
}

/** Two batches of the rival under one number, reported as a node reports: under its consensus key. */
export function evidence(setting: Setting): readonly Step[] {
  const { chainId } = setting;
  const signer = aSigner('rival consensus');
  const place = { member: 'rival' as MemberName, sequence: 4 as Sequence };
  const [one, other] = ['one', 'another'].map((text) => {
    const bodyHash = digestOf(text);
    const message = batchSigningBytes(chainId, batchDigest({ ...place, bodyHash }));
    return { bodyHash, signature: signer.sign(message) };
  });
  if (one === undefined || other === undefined) throw new Error('there are two');
  const proof = batchEvidence({ key: signer.publicKey, ...place }, one, other);
  return [
    actsIn(setting).step('evidence.report', {
      by: 'hospital',
      body: toJson(reportBodySchema, { evidence: proof }),
      seeds: [aSeed('hospital consensus')],
    }),
  ];
}
