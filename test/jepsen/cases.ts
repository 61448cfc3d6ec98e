/** The prescriptions that all clients fight over, a few at a time, and the signed bytes of each act on one. */
import type { Consortium } from '../../devnet/cast.ts';
import { createToken, patientKeys } from '../../node/patient.ts';
import type { MemberName, Units } from '../../protocol/brand.ts';
import type { PatientToken } from '../../protocol/token.ts';
import type { Random } from '../../devnet/generator/random.ts';
import {
  anId,
  signAct,
  signerInRole,
  signIssueFor,
  signReserve,
  type SignedTransaction,
} from '../support/transactions.ts';
import type { Act } from './prescription.ts';

const unitsPrescribed = 30;
const unitsDispensedMax = 9;
const pharmacies = ['pharmacy', 'pharmacy-2'] as const;
const casesOpen = 4;
const actsPerCaseMin = 16;
const actsPerCaseMax = 32;

export type Write = Exclude<Act, { readonly kind: 'read' }>;

/** One prescription that may or may not come to be. */
export interface Case {
  /** Says which doctor prescribes. */
  readonly number: number;
  readonly token: PatientToken;
}

interface OpenCase {
  readonly case: Case;
  readonly actsMax: number;
  actCount: number;
}

/** What each client does next is chance; that they meet at the same prescriptions is not. */
export class CaseBook {
  readonly #open: OpenCase[] = [];
  readonly #all: Case[] = [];

  get all(): readonly Case[] {
    return this.#all;
  }

  /** A case and an act on it; a case that had its share makes room for a new one. */
  next(random: Random): { readonly on: Case; readonly act: Act } {
    const slot = random.below(casesOpen);
    let open = this.#open[slot];
    if (open === undefined || open.actCount >= open.actsMax) {
      const opened = { number: this.#all.length, token: createToken(anId()) };
      const actsMax = actsPerCaseMin + random.below(actsPerCaseMax - actsPerCaseMin);
      open = { case: opened, actsMax, actCount: 0 };
      this.#open[slot] = open;
      this.#all.push(opened);
    }
    open.actCount += 1;
    return { on: open.case, act: chooseAct(random, open.actCount <= 3) };
  }
}

function chooseAct(random: Random, isYoung: boolean): Act {
  const pharmacy = random.pick(pharmacies);
  const roll = random.fraction();
  if (isYoung ? roll < 0.7 : roll < 0.04) return { kind: 'issue', units: unitsPrescribed };
  if (roll < 0.3) return { kind: 'reserve', pharmacy };
  if (roll < 0.48) return { kind: 'dispense', pharmacy, units: 1 + random.below(unitsDispensedMax) };
  if (roll < 0.64) return { kind: 'return', pharmacy };
  if (roll < 0.67) return { kind: 'cancel' };
  return { kind: 'read' };
}

/** Each call makes another transaction, with an id of its own. */
export function signWrite(consortium: Consortium, { number, token }: Case, act: Write): SignedTransaction {
  const { rxId } = token;
  const { chainId } = consortium;
  switch (act.kind) {
    case 'issue':
      return signIssueFor(consortium, 'hospital', { number, token });
    case 'reserve': {
      const redeemSigner = patientKeys(token, 1).fills[0]?.redeemSigner;
      if (redeemSigner === undefined) throw new Error('a prescription without a fill');
      return signReserve(consortium, act.pharmacy, { rxId, redeemSigner });
    }
    case 'return': {
      const action = { kind: 'fill.return', body: { rxId, k: 0, reason: 'outOfStock' } } as const;
      return signAct(chainId, { member: act.pharmacy as MemberName, action }, pharmacistOf(consortium, act));
    }
    case 'dispense': {
      const item = { itemId: 0, units: act.units as Units, equivalence: 'same', packHashes: [] } as const;
      const body = { rxId, k: 0, eventId: anId(), items: [item], substitution: null };
      const action = { kind: 'fill.dispense', body } as const;
      return signAct(chainId, { member: act.pharmacy as MemberName, action }, pharmacistOf(consortium, act));
    }
    case 'cancel': {
      const action = { kind: 'rx.cancel', body: { rxId, k: null, reason: 'error' } } as const;
      const doctor = signerInRole(consortium, 'hospital', { role: 'doctor', number });
      return signAct(chainId, { member: 'hospital' as MemberName, action }, [doctor]);
    }
    default:
      return act satisfies never;
  }
}

function pharmacistOf(
  consortium: Consortium,
  { pharmacy }: { readonly pharmacy: string },
): readonly [ReturnType<typeof signerInRole>] {
  return [signerInRole(consortium, pharmacy, { role: 'pharmacist' })];
}
