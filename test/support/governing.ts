/** Governance as the administrators of a consortium's cast sign it: READY, motions, votes. */
import type { Consortium } from '../../devnet/cast.ts';
import { memberOf } from '../../devnet/homes.ts';
import { signerFromSeed } from '../../node/ed25519.ts';
import type { Action } from '../../protocol/action.ts';
import type { Height, Id, MemberName } from '../../protocol/brand.ts';
import { anId, signAct, type SignedTransaction } from './transactions.ts';

export interface SignedMotion extends SignedTransaction {
  readonly motionId: Id;
}

/** Motions of a test end long before. */
const expiresAfterBlocks = 100_000;

function signAs(consortium: Consortium, name: string, action: Action): SignedTransaction {
  const { keys, member } = memberOf(consortium, name);
  const admin = keys.find(({ purpose }) => purpose === 'admin');
  if (admin === undefined) throw new Error(`${name} has no admin key`);
  return signAct(consortium.chainId, { member: member.name, action }, [signerFromSeed(admin.seed)]);
}

/** `name` is in step with the chain as of a height. */
export function signReady(consortium: Consortium, name: string, height: number): SignedTransaction {
  return signAs(consortium, name, { kind: 'member.ready', body: { height: height as Height } });
}

/** `by` moves that another become a voter, or be one no longer. */
export function signMotion(
  consortium: Consortium,
  motion: {
    readonly by: string;
    readonly change: 'promote' | 'demote';
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

export function signApproval(consortium: Consortium, by: string, motionId: Id): SignedTransaction {
  return signAs(consortium, by, { kind: 'member.vote', body: { motionId, approve: true } });
}
