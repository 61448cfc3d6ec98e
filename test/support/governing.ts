/** Governance as the administrators of a consortium's cast sign it: READY, motions, votes. */
import type { CastMember, Consortium } from '../../devnet/cast.ts';
import { memberOf } from '../../devnet/homes.ts';
import { signerFromSeed } from '../../node/ed25519.ts';
import type { Action } from '../../protocol/action.ts';
import type { Height, Id, MemberName, Timestamp } from '../../protocol/brand.ts';
import type { MemberChange } from '../../protocol/motion.ts';
import type { Signer } from '../../protocol/signature.ts';
import { ticketSigningBytes } from '../../protocol/ticket.ts';
import { anId, signAct, type SignedTransaction } from './transactions.ts';

export interface SignedMotion extends SignedTransaction {
  readonly motionId: Id;
}

/** Motions of a test end long before. */
const expiresAfterBlocks = 100_000;
const ticketMs = 86_400_000;

function signerOf({ name, keys }: CastMember, wanted: string): Signer {
  const key = keys.find(({ purpose }) => purpose === wanted);
  if (key === undefined) throw new Error(`${name} has no ${wanted} key`);
  return signerFromSeed(key.seed);
}

function signAs(consortium: Consortium, name: string, action: Action): SignedTransaction {
  const cast = memberOf(consortium, name);
  return signAct(consortium.chainId, { member: cast.name, action }, [signerOf(cast, 'admin')]);
}

/** `name` is in step with the chain as of a height. */
export function signReady(consortium: Consortium, name: string, height: number): SignedTransaction {
  return signAs(consortium, name, { kind: 'member.ready', body: { height: height as Height } });
}

/** `by` moves that another become a voter, or whatever the change is. */
export function signMotion(
  consortium: Consortium,
  motion: {
    readonly by: string;
    readonly change: MemberChange;
    readonly member: string;
    readonly height: number;
  },
): SignedMotion {
  const motionId = anId();
  const { by, change, member, height } = motion;
  const expiresHeight = (height + expiresAfterBlocks) as Height;
  const body = { motionId, expiresHeight, change, member: member as MemberName, isForced: false };
  return { ...signAs(consortium, by, { kind: 'member.propose', body }), motionId };
}

/** A newcomer's join through `by`, which has invited it. */
export function signJoin(consortium: Consortium, by: string, newcomer: string): SignedMotion {
  const { chainId } = consortium;
  const inviter = memberOf(consortium, by);
  const invited = memberOf(consortium, newcomer);
  const { name, roles, networkKey, consensusKey, sealingKey, adminKey } = invited.member;
  const admin = signerOf(inviter, 'admin');
  const motionId = anId();
  const invitation = {
    motionId,
    inviter: inviter.name,
    name,
    roles,
    key: admin.publicKey,
    expiresHeight: expiresAfterBlocks as Height,
    until: (Date.now() + ticketMs) as Timestamp,
  };
  const ticket = { ...invitation, signature: admin.sign(ticketSigningBytes(chainId, invitation)) };
  const body = { ticket, keys: { networkKey, consensusKey, sealingKey, adminKey } };
  const signers = ['network', 'consensus', 'admin'].map((purpose) => signerOf(invited, purpose));
  return {
    ...signAct(chainId, { member: inviter.name, action: { kind: 'member.join', body } }, signers),
    motionId,
  };
}

export function signApproval(consortium: Consortium, by: string, motionId: Id): SignedTransaction {
  return signAs(consortium, by, { kind: 'member.vote', body: { motionId, approve: true } });
}
