/** Two books of one pair and period side by side: what a member's own accounts say, and what the ledger has. */
import type { Id } from './brand.ts';
import { compareText } from './bytes.ts';
import { signedAmount, type StatementEntry } from './settlement.ts';

/** A claim in somebody's own accounts; `amount` is what the insurer owes for it, reversals deducted. */
export interface BookedClaim {
  readonly claimId: Id;
  readonly amount: number;
}

export interface Difference {
  readonly claimId: Id;
  /** `notOnLedger`, `notInBooks`: the other has nothing; `amount`: both have it, with other amounts. */
  readonly kind: 'notOnLedger' | 'notInBooks' | 'amount';
  readonly booked: number | null;
  readonly ledger: number | null;
}

/** Claims on which the two disagree, in the order of their ids. A claim that the books name twice counts with its sum. */
export function differencesOf(
  books: readonly BookedClaim[],
  entries: readonly StatementEntry[],
): readonly Difference[] {
  const booked = sumByClaim(books);
  const ledger = sumByClaim(
    entries.map((entry) => ({ claimId: entry.claimId, amount: signedAmount(entry) })),
  );
  const claimIds = [...new Set([...booked.keys(), ...ledger.keys()])].toSorted(compareText);
  return claimIds.flatMap((claimId): readonly Difference[] => {
    const ours = booked.get(claimId) ?? null;
    const theirs = ledger.get(claimId) ?? null;
    if (ours === theirs) return [];
    if (theirs === null) return [{ claimId, kind: 'notOnLedger', booked: ours, ledger: null }];
    if (ours === null) return [{ claimId, kind: 'notInBooks', booked: null, ledger: theirs }];
    return [{ claimId, kind: 'amount', booked: ours, ledger: theirs }];
  });
}

function sumByClaim(claims: readonly BookedClaim[]): ReadonlyMap<Id, number> {
  const sums = new Map<Id, number>();
  for (const { claimId, amount } of claims) sums.set(claimId, (sums.get(claimId) ?? 0) + amount);
  return sums;
}
