/** What administrators sign: joins, motions, votes and READY, each with a number of its own. */
import type { Action } from '../../../protocol/action.ts';
import type { Height, Id, MemberName, PublicKey, Timestamp } from '../../../protocol/brand.ts';
import type { MemberKeys } from '../../../protocol/member.ts';
import type { MemberChange } from '../../../protocol/motion.ts';
import { ticketSigningBytes } from '../../../protocol/ticket.ts';
import { keyOf, numberText, signAct, signerOf, startMs, type SubmittedTransaction } from './cast.ts';
import type { Machine, World } from './world.ts';

export type ChangeKind = MemberChange | 'admit' | 'rotate';

export interface OpeningMotion {
  readonly motionId: Id;
  readonly transaction: SubmittedTransaction;
}

/** Far above the numbers of what applications submit. */
const numberFirst = 1_000_000_000;
const expiresHeight: Height = 100_000 as Height;
const ticketMs = 86_400_000;

export class Ballots {
  readonly #world: () => World;
  #number = numberFirst;

  constructor(world: () => World) {
    this.#world = world;
  }

  /** `opener` moves it, or has invited who is to be admitted. */
  motion(
    { kind, machine }: { readonly kind: ChangeKind; readonly machine: Machine },
    opener: Machine,
  ): OpeningMotion {
    const motionId = numberText(this.#next(), 32) as Id;
    if (kind === 'admit') return { motionId, transaction: this.#join(motionId, machine, opener) };
    if (kind === 'rotate') return { motionId, transaction: this.#rotation(motionId, machine) };
    const body = { motionId, expiresHeight, change: kind, member: machine.name, isForced: false };
    return { motionId, transaction: this.#act(opener, { kind: 'member.propose', body }) };
  }

  vote(motionId: Id, machine: Machine): SubmittedTransaction {
    return this.#act(machine, { kind: 'member.vote', body: { motionId, approve: true } });
  }

  ready(machine: Machine, height: number): SubmittedTransaction {
    return this.#act(machine, { kind: 'member.ready', body: { height: height as Height } });
  }

  #join(motionId: Id, { name, member }: Machine, inviter: Machine): SubmittedTransaction {
    const { chainId } = this.#world().cast;
    const { adminKey } = inviter.member.member;
    const invitation = {
      motionId,
      inviter: inviter.name,
      name,
      roles: ['hospital'] as const,
      key: adminKey,
      expiresHeight,
      until: (startMs + ticketMs) as Timestamp,
    };
    const signature = signerOf(adminKey).sign(ticketSigningBytes(chainId, invitation));
    const keys = keysOf(member.member);
    const action: Action = {
      kind: 'member.join',
      body: { ticket: { ...invitation, signature }, keys },
    };
    return this.#signed(inviter.name, action, [keys.networkKey, keys.consensusKey, keys.adminKey]);
  }

  #rotation(motionId: Id, { index, name, member, keyGeneration }: Machine): SubmittedTransaction {
    const before = keysOf(member.member);
    const consensusKey = keyOf(index, 'consensus', keyGeneration + 1);
    const body = { motionId, expiresHeight, member: name, keys: { ...before, consensusKey } };
    return this.#signed(name, { kind: 'member.rotate', body }, [before.adminKey, consensusKey]);
  }

  #act({ name, member }: Machine, action: Action): SubmittedTransaction {
    return this.#signed(name, action, [member.member.adminKey]);
  }

  #signed(member: MemberName, action: Action, keys: readonly PublicKey[]): SubmittedTransaction {
    const { chainId } = this.#world().cast;
    return signAct({ chainId, id: this.#next(), member, action }, keys);
  }

  #next(): number {
    this.#number += 1;
    return this.#number;
  }
}

function keysOf({ networkKey, consensusKey, sealingKey, adminKey }: MemberKeys): MemberKeys {
  return { networkKey, consensusKey, sealingKey, adminKey };
}
