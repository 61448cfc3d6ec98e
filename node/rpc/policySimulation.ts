/**
 * A policy tried on the latest blocks: what it would have refused, and what it would have asked a review for. Nothing is written. It
 * judges what was asked for then by the bounds of the document, not whole lives again: a refusal early in a life would change the rest.
 */
import type { Height } from '../../protocol/brand.ts';
import { validityMsMaxOf, type Policy } from '../../protocol/policy.ts';
import type { IssueBody } from '../../protocol/prescribing.ts';
import type { ReserveBody } from '../../protocol/fill.ts';
import type { Transaction } from '../../protocol/transaction.ts';
import type { PolicySimulation } from './governanceContract.ts';
import { simulatedTransactionsMax } from './limits.ts';
import type { LedgerPort } from './ports.ts';

const hourMs = 3_600_000;

interface Seen<Body> {
  readonly body: Body;
  readonly timeMs: number;
  readonly signers: readonly string[];
}

export interface SimulationRequest {
  readonly from: Policy;
  readonly to: Policy;
  readonly blockCount: number;
}

export function simulatePolicy(ledger: LedgerPort, request: SimulationRequest): PolicySimulation {
  const { from, to, blockCount } = request;
  const issues: Seen<IssueBody>[] = [];
  const reservations: Seen<ReserveBody>[] = [];
  for (const { transaction, timeMs } of recent(ledger, blockCount)) {
    const { action } = transaction;
    const signers = transaction.signatures.map(({ key }) => key);
    if (action.kind === 'rx.issue') issues.push({ body: action.body, timeMs, signers });
    if (action.kind === 'fill.reserve') reservations.push({ body: action.body, timeMs, signers });
  }
  const isReviewed = (policy: Policy, body: IssueBody): boolean =>
    body.reviewRequired || policy.reviewRequired.includes(body.class);
  const isTooLong = ({ body }: Seen<IssueBody>): boolean =>
    body.validUntil - body.authoredOn > validityMsMaxOf(to, body);
  return {
    changes: differences(from, to),
    blocks: Math.min(blockCount, ledger.height()),
    issues: {
      examined: issues.length,
      validityTooLong: issues.filter(isTooLong).length,
      rateExceeded: overRate(issues, to),
      reviewNewlyRequired: issues.filter(({ body }) => !isReviewed(from, body) && isReviewed(to, body))
        .length,
      reviewNoLongerRequired: issues.filter(({ body }) => isReviewed(from, body) && !isReviewed(to, body))
        .length,
    },
    reservations: {
      examined: reservations.length,
      tooLong: reservations.filter(({ body, timeMs }) => body.until > timeMs + to.reserveMsMax[body.mode])
        .length,
    },
  };
}

/** Committed transactions, newest block first, so many at most. */
function* recent(
  ledger: LedgerPort,
  blockCount: number,
): Generator<{ readonly transaction: Transaction; readonly timeMs: number }> {
  let count = 0;
  const lowest = Math.max(ledger.heightMin(), ledger.height() - blockCount + 1);
  for (let height = ledger.height(); height >= lowest; height = (height - 1) as Height) {
    for (const { outcome, txId, timeMs } of ledger.receiptsAt(height)) {
      if (outcome !== 'committed') continue;
      if (count === simulatedTransactionsMax) return;
      count += 1;
      const transaction = ledger.transactionOf(txId);
      if (transaction !== null) yield { transaction, timeMs };
    }
  }
}

/** Prescriptions beyond the cap of their prescriber's key and hour. */
function overRate(issues: readonly Seen<IssueBody>[], { ratePerHour }: Policy): number {
  const counts = new Map<string, number>();
  let over = 0;
  for (const { body, timeMs, signers } of issues) {
    const isControlled = body.class === 'controlled';
    const key = `${signers[0] ?? ''} ${isControlled} ${Math.floor(timeMs / hourMs)}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    if (count > (isControlled ? ratePerHour.controlled : ratePerHour.ordinary)) over += 1;
  }
  return over;
}

/** Fields that differ, one level deep: `validityMsMax.ordinary`. */
function differences(from: Policy, to: Policy): PolicySimulation['changes'] {
  const [before, after] = [flat(from), flat(to)];
  return [...after].flatMap(([field, value]) => {
    const old = before.get(field) ?? 'null';
    return old === value ? [] : [{ field, from: old, to: value }];
  });
}

function flat(policy: Policy): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const [name, value] of Object.entries(policy) as [string, unknown][]) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      fields.set(name, JSON.stringify(value));
      continue;
    }
    for (const [inner, own] of Object.entries(value)) fields.set(`${name}.${inner}`, JSON.stringify(own));
  }
  return fields;
}
