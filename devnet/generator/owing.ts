/** What insurers owe pharmacies by what was done, added up act by act: to hold against what the ledger says. */
import type { Act } from './act.ts';

export interface Owing {
  /** By `insurer/pharmacy`; below zero the pharmacy owes. */
  readonly owed: Map<string, number>;
  readonly pairOfClaim: Map<string, string>;
}

export function nothingOwed(): Owing {
  return { owed: new Map(), pairOfClaim: new Map() };
}

/** Of an act that was committed, in the order of its claim. */
export function addUp({ owed, pairOfClaim }: Owing, { action, member }: Act): void {
  const add = (claimId: string, amount: number): void => {
    const pair = pairOfClaim.get(claimId);
    if (pair === undefined) throw new Error('a claim begins with an estimate');
    owed.set(pair, (owed.get(pair) ?? 0) + amount);
  };
  if (action.kind === 'claim.estimate')
    pairOfClaim.set(action.body.claimId, `${action.body.insurer}/${member}`);
  if (action.kind === 'claim.accept') add(action.body.claimId, action.body.covered);
  if (action.kind === 'claim.reverse' || action.kind === 'claim.recoup') {
    for (const line of action.body.lines) add(action.body.claimId, 0 - line.covered);
  }
}
