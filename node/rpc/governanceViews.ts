/** Members, motions and evidence as JSON, with what follows from them: who votes, how a vote stands, what a change would leave. */
import { votersAfter } from '../../protocol/carrying.ts';
import { faultyMax, quorumSize } from '../../protocol/certificate.ts';
import type { MemberName } from '../../protocol/brand.ts';
import { evidenceSchema } from '../../protocol/evidence.ts';
import { memberSchema, voterIndexOf, type Member, type Voter } from '../../protocol/member.ts';
import { motionSchema, motionStatus, type Motion } from '../../protocol/motion.ts';
import { markSchema, readStanding } from '../../protocol/standing.ts';
import { currentVoterSet, pendingVoterSet } from '../../protocol/voterSet.ts';
import type { EvidenceView, MemberView, MotionView, VotersView } from './governanceContract.ts';
import { timeOf, toJson } from './json.ts';
import type { LedgerPort } from './ports.ts';

export function votersView(voters: readonly Voter[]): VotersView {
  const n = voters.length;
  return { n, f: faultyMax(n), q: quorumSize(n), names: voters.map((voter) => voter.name) };
}

export function memberView(ledger: LedgerPort, member: Member): MemberView {
  const state = ledger.state();
  const { readyMs, heardMs, marks } = readStanding(state, member.name);
  return {
    ...toJson(memberSchema, member),
    isVoter: voterIndexOf(currentVoterSet(state), member.name) !== null,
    readyAt: readyMs === null ? null : timeOf(readyMs),
    heardAt: heardMs === null ? null : timeOf(heardMs),
    marks: marks.map((mark) => toJson(markSchema, mark)),
  };
}

export function motionView(ledger: LedgerPort, motion: Motion): MotionView {
  const state = ledger.state();
  const { voters } = currentVoterSet(state);
  const isVoter = (name: MemberName): boolean => voters.some((voter) => voter.name === name);
  const status = motionStatus(motion, ledger.height());
  const decided = pendingVoterSet(state)?.voters ?? voters;
  const then = status === 'open' ? (votersAfter(state, motion) ?? voters) : decided;
  const missing = quorumSize(voters.length) - motion.approvals.filter(isVoter).length;
  return {
    ...toJson(motionSchema, motion),
    status,
    votersNow: votersView(voters),
    votersThen: votersView(then),
    approvalsMissing: status === 'open' ? Math.max(0, missing) : null,
  };
}

/** Newest first; the evidence itself is read from the transaction that reported it. */
export function evidenceViews(ledger: LedgerPort): readonly EvidenceView[] {
  const state = ledger.state();
  const views = ledger.members().flatMap((member) =>
    readStanding(state, member.name).marks.flatMap((mark): readonly EvidenceView[] => {
      const transaction = ledger.transactionOf(mark.txId);
      if (transaction === null || transaction.action.kind !== 'evidence.report') return [];
      const evidence = toJson(evidenceSchema, transaction.action.body.evidence);
      return [{ ...toJson(markSchema, mark), member: member.name, reporter: transaction.member, evidence }];
    }),
  );
  return views.toSorted((a, b) => b.height - a.height);
}
