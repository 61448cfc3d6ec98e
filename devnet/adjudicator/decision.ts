/**
 * What the insurer answers, as functions of the benefit table and the claim alone: the same question has the same answer, today and in
 * an audit. Integers throughout; what does not divide is rounded down, so the odd unit is the patient's.
 */
import { isDeepStrictEqual } from 'node:util';
import { invariant } from '../../protocol/invariant.ts';
import type { PrescriptionClass } from '../../protocol/policy.ts';
import type { MethodParams, MethodResult } from '../../node/rpc/contract.ts';
import type { Benefit, BenefitTable } from './benefitTable.ts';

export type ClaimJson = MethodResult<'claim_get'>['claim'];
type PricedLine = ClaimJson['lines'][number];
export type Adjudication = Pick<MethodParams<'claim_adjudicate'>, 'outcome' | 'lines'>;
type AdjudicatedLine = Adjudication['lines'][number];

/** `leave`: a person has to look at it. */
export type ClaimAnswer =
  | { readonly act: 'accept'; readonly covered: number }
  | {
      readonly act: 'dispute';
      readonly reason: string;
      readonly lines: MethodParams<'claim_dispute'>['lines'];
    }
  | { readonly act: 'leave' };

/** In each line price = covered + patientPays (I8), neither of them negative. */
export function adjudicate(
  table: BenefitTable,
  prescriptionClass: PrescriptionClass,
  lines: readonly PricedLine[],
): Adjudication {
  const benefit = table.classes[prescriptionClass];
  if (benefit === undefined) return { outcome: 'unknown', lines: [] };
  if (benefit === 'notCovered') return { outcome: 'reject', lines: lines.map(uncovered) };
  return { outcome: 'approve', lines: lines.map((line) => coveredBy(benefit, line)) };
}

/**
 * To a claim that the pharmacy submitted or disputed. The ledger has seen to it that it is the claim that was estimated and that it was
 * supplied; whether it was adjudicated by this table, and not by a person who knows more, is seen here.
 */
export function answerClaim(
  table: BenefitTable,
  prescriptionClass: PrescriptionClass,
  claim: Pick<ClaimJson, 'lines' | 'adjudication' | 'dispute'>,
): ClaimAnswer {
  const { adjudication, dispute } = claim;
  if (adjudication === null) return { act: 'leave' };
  const { outcome, lines, covered } = adjudication;
  if (!isDeepStrictEqual({ outcome, lines }, adjudicate(table, prescriptionClass, claim.lines))) {
    return { act: 'leave' };
  }
  const asked = dispute === null ? covered : dispute.covered.reduce((sum, amount) => sum + amount, 0);
  if (asked <= table.claimCoveredMax) return { act: 'accept', covered: asked };
  // The pharmacy has answered our offer, or the like: two programs must not haggle for ever.
  if (dispute !== null) return { act: 'leave' };
  return { act: 'dispute', reason: table.disputeReason, lines: cutTo(table.claimCoveredMax, lines) };
}

function uncovered({ itemId, price }: PricedLine): AdjudicatedLine {
  return { itemId, covered: 0, patientPays: price, code: 'notCovered' };
}

function coveredBy(benefit: Benefit, { itemId, units, price }: PricedLine): AdjudicatedLine {
  // Up to 10^24, so no number holds it exactly.
  const ceiling = BigInt(benefit.unitPriceMax) * BigInt(units);
  const isAbove = ceiling < BigInt(price);
  const eligible = isAbove ? Number(ceiling) : price;
  const hundredfold = eligible * benefit.sharePercent;
  const share = (hundredfold - (hundredfold % 100)) / 100;
  const covered = Math.max(0, share - benefit.copay);
  const patientPays = price - covered;
  invariant(covered <= price, 'nobody is paid more than the price');
  invariant(covered + patientPays === price, 'price = covered + patientPays (I8)');
  return { itemId, covered, patientPays, code: isAbove ? 'aboveUnitPrice' : 'share' };
}

/** The lines in their order, until the sum is spent. */
function cutTo(
  coveredMax: number,
  lines: readonly Pick<AdjudicatedLine, 'itemId' | 'covered'>[],
): readonly { readonly itemId: number; readonly covered: number }[] {
  let left = coveredMax;
  return lines.map(({ itemId, covered }) => {
    const given = Math.min(covered, left);
    left -= given;
    return { itemId, covered: given };
  });
}
