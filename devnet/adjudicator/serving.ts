/**
 * One claim, answered. An event only says which claim to look at; what to do follows from the claim as it stands. So it does not matter
 * how often a claim is looked at, or how late: what was answered is not answered again.
 */
import { createHash } from 'node:crypto';
import type { Timestamp } from '../../protocol/brand.ts';
import { present } from '../../protocol/invariant.ts';
import { uuid } from '../../node/rpc/write.ts';
import type { EventView, WriteOptions, WriteResult } from '../../node/rpc/contract.ts';
import { StillPending, type Asked } from './asking.ts';
import type { BenefitTable } from './benefitTable.ts';
import { adjudicate, answerClaim, type ClaimAnswer, type ClaimJson } from './decision.ts';

export interface Desk {
  readonly client: Asked;
  readonly table: BenefitTable;
  /** Name of the adjudicator's key in the keystore of the node. */
  readonly practitioner: string;
}

/** A desk that knows whose it is. */
export interface InsurersDesk extends Desk {
  readonly insurer: string;
}

type Act = 'adjudicate' | ClaimAnswer['act'];

/** What came of a claim. `outcome` is `committed`, the ledger's refusal, the name of an error, or `forAPerson` with the act `leave`. */
export interface Served {
  readonly claimId: string;
  readonly act: Act;
  readonly outcome: string;
}

/**
 * Looks at the claim that an event names and does what it asks for; null if there is nothing to do. Throws what `retryAfterMsOf` (asking.ts) judges.
 */
export async function serveClaim(desk: InsurersDesk, event: EventView): Promise<Served | null> {
  const claimId = claimOf(event);
  const { claim } = await desk.client.call('claim_get', { claimId });
  if (claim.insurer !== desk.insurer) return null;
  if (claim.status === 'estimated') return answerEstimate(desk, event, claim);
  const isOurTurn = claim.status === 'disputed' && claim.dispute?.by !== desk.insurer;
  return claim.status === 'submitted' || isOurTurn ? answerDemand(desk, event, claim) : null;
}

/** The claim that an event of a claim is about. Where a body names a prescription, too, it stands first among the subjects. */
export function claimOf(event: EventView): string {
  return present(event.subjects.at(-1) ?? null, 'an event of a claim names it');
}

async function answerEstimate(
  desk: InsurersDesk,
  event: EventView,
  claim: ClaimJson,
): Promise<Served | null> {
  const { claimId, lines, rxId } = claim;
  const { prescription } = await desk.client.call('rx_get', { rxId });
  const adjudication = adjudicate(desk.table, prescription.class, lines);
  const options = optionsOf(desk, event, 'adjudicate');
  const result = await desk.client.call('claim_adjudicate', { ...options, claimId, ...adjudication });
  return servedBy(claimId, 'adjudicate', result);
}

async function answerDemand(desk: InsurersDesk, event: EventView, claim: ClaimJson): Promise<Served | null> {
  const { claimId, rxId } = claim;
  const { prescription } = await desk.client.call('rx_get', { rxId });
  const answer = answerClaim(desk.table, prescription.class, claim);
  const { act } = answer;
  if (act === 'leave') return { claimId, act, outcome: 'forAPerson' };
  const options = optionsOf(desk, event, act);
  const result =
    act === 'accept'
      ? await desk.client.call('claim_accept', { ...options, claimId, covered: answer.covered })
      : await desk.client.call('claim_dispute', {
          ...options,
          claimId,
          reason: answer.reason,
          lines: answer.lines,
        });
  return servedBy(claimId, act, result);
}

/** The id follows from the event and the act: a call that is repeated, even after a crash, is the same transaction. */
function optionsOf({ practitioner }: Desk, { txId, time }: EventView, act: Act): WriteOptions {
  const digest = createHash('sha256').update(`${txId} ${act}`).digest();
  const id = uuid({
    now: () => Date.parse(time) as Timestamp,
    randomBytes: (size) => digest.subarray(0, size),
  });
  return { id: `0x${id}`, practitioner };
}

/** Null if somebody was faster: then the claim does not stand where we saw it, and whoever moved it has made an event. */
function servedBy(claimId: string, act: Act, { status, code }: WriteResult): Served | null {
  if (status === 'committed') return { claimId, act, outcome: status };
  if (status !== 'refused') throw new StillPending(claimId);
  return code === 'claimState' ? null : { claimId, act, outcome: code ?? status };
}
