/** Evidence on the chain: the member is marked for good, and its removal is put to the vote. */
import * as z from 'zod';
import { authoriseKeys, type Context } from './authorisation.ts';
import type { Height, Id } from './brand.ts';
import { evidenceDigest, evidenceSchema, judgeEvidence, type Evidence } from './evidence.ts';
import { marksPerMemberMax, motionHeightsDefault } from './limits.ts';
import { memberOfKey, readMember, requireMember } from './membership.ts';
import { readMotion } from './motion.ts';
import { applied, type Applied, type RecordReader } from './record.ts';
import { accepted, refused, type Result } from './result.ts';
import { readStanding, standingRecord, type Mark, type Standing } from './standing.ts';
import { openedMotion } from './voting.ts';

/** `evidence.report`, signed by the reporting member's consensus key: nodes report, nobody has to be awake. */
export interface ReportBody {
  readonly evidence: Evidence;
}

export const reportBodySchema: z.ZodType<ReportBody> = z.strictObject({ evidence: evidenceSchema });

/**
 * The signatures of the evidence were checked with the transaction's. One lie is marked once, whoever reports it: the same offence
 * in the same view, or under the same sequence, is `evidenceKnown`, and so is what comes after eight marks. Refusals:
 * `memberUnknown`, `memberNotActive`, `wrongSigners`, `evidenceInvalid` (no conflict, or nobody's consensus key), `evidenceKnown`.
 */
export function report(context: Context, { evidence }: ReportBody): Result<Applied> {
  const { state, height, txId } = context;
  const reporter = requireMember(state, context.member, null);
  if (!reporter.ok) return reporter;
  const signed = authoriseKeys(context, [reporter.value.consensusKey]);
  if (!signed.ok) return signed;
  const offence = judgeEvidence(evidence);
  if (!offence.ok) return offence;
  const name = memberOfKey(state, evidence.key);
  const member = name === null ? null : readMember(state, name);
  if (member === null || (evidence.kind === 'batches' && evidence.member !== member.name))
    return refused('evidenceInvalid', 'key');
  const standing = readStanding(state, member.name);
  const lie: Lie = { offence: offence.value, ...placeOf(evidence) };
  if (isMarkedFor(standing, lie)) return refused('evidenceKnown');
  const mark: Mark = { ...lie, height, txId };
  const marked = standingRecord(member.name, { ...standing, marks: [...standing.marks, mark] });
  const motionId = removalMotionId(evidence);
  const isGone = member.status === 'left' || readMotion(state, motionId) !== null;
  if (isGone) return accepted(applied([motionId], [marked]));
  const expiresHeight = (height + motionHeightsDefault) as Height;
  const opened = openedMotion(context, { motionId, kind: 'remove', member: member.name, expiresHeight });
  return accepted(applied([motionId], [...opened, marked]));
}

/** The motion's id follows from the evidence: the first 16 bytes of its digest. */
function removalMotionId(evidence: Evidence): Id {
  return evidenceDigest(evidence).slice(0, 32) as Id;
}

/** True iff a report of this would say nothing new; also of evidence that is none, or of nobody's. */
export function isReportIdle(state: RecordReader, evidence: Evidence): boolean {
  const offence = judgeEvidence(evidence);
  const name = memberOfKey(state, evidence.key);
  if (!offence.ok || name === null) return true;
  return isMarkedFor(readStanding(state, name), { offence: offence.value, ...placeOf(evidence) });
}

type Lie = Pick<Mark, 'offence' | 'epoch' | 'view' | 'sequence'>;

function placeOf(evidence: Evidence): Omit<Lie, 'offence'> {
  if (evidence.kind === 'batches') return { epoch: null, view: null, sequence: evidence.sequence };
  return { epoch: evidence.epoch, view: evidence.view, sequence: null };
}

function isMarkedFor({ marks }: Standing, lie: Lie): boolean {
  if (marks.length >= marksPerMemberMax) return true;
  return marks.some(
    (mark) =>
      mark.offence === lie.offence &&
      mark.epoch === lie.epoch &&
      mark.view === lie.view &&
      mark.sequence === lie.sequence,
  );
}
