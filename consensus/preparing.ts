/** R3 (consensus/README.md): what must hold before we send PREPARE. The leader checks its own proposal here too. */
import { batchesRoot, type Block, type Header } from '../protocol/block.ts';
import type { Digest, Verified } from '../protocol/brand.ts';
import { invariant, present } from '../protocol/invariant.ts';
import { skipCertificatesInProposalMax, viewsAheadMax } from '../protocol/limits.ts';
import type { Proposal } from '../protocol/proposal.ts';
import { digestOf, fetchBlock, finalizePending, keepBlock, parentPoint } from './chain.ts';
import { openClosing } from './epoch.ts';
import type { Verdict } from './event.ts';
import { certificatesOf, firstUncovered, isParentProven } from './justification.ts';
import { leaderOf } from './leader.ts';
import { askForCertificates } from './proposing.ts';
import { castVote, isPermitted } from './safety.ts';
import {
  change,
  changeRound,
  emit,
  withEntry,
  type HeldProposal,
  type ReplicaState,
  type Step,
} from './state.ts';
import { gainCertificate } from './view.ts';

/** A proposal proves itself: its certificates may bring us to its view, and then it is the first of its leader or nothing. */
export function onProposalReceived(step: Step, proposal: Verified<Proposal>): Step {
  const { header } = proposal.block;
  if (header.epoch !== step.state.config.voters.epoch) return step;
  if (header.proposer !== leaderOf(step.state.config, header.view)) return step;
  if (step.state.proposals.has(header.view)) return step;
  const proven = certificatesOf(proposal).reduce(gainCertificate, step);
  const digest = digestOf(proposal.block);
  const { state } = proven;
  if (header.view < state.view) {
    const isPrepared = state.prepared.get(header.view)?.digest === digest;
    return isPrepared ? finalizePending(keepBlock(proven, proposal.block)) : proven;
  }
  if (header.view > state.view + viewsAheadMax) return proven;
  const held = { proposal, digest, isWellFormed: isWellFormed(state, proposal) };
  const kept = change(proven, { proposals: withEntry(state.proposals, header.view, held) });
  const isOurs = header.proposer === state.config.own && header.view === state.view;
  return isOurs ? changeRound(kept, { ownProposal: proposal }) : kept;
}

/** What the header must say whatever the chain holds. */
function isWellFormed(state: ReplicaState, proposal: Proposal): boolean {
  const { header, batchDigests } = proposal.block;
  if (header.chainId !== state.config.chainId || header.voterSetHash !== state.voterSetHash) return false;
  if (!isClosingWellFormed(proposal.block)) return false;
  if (header.parentView >= header.view || !isParentProven(proposal)) return false;
  if (new Set(batchDigests).size !== batchDigests.length) return false;
  return header.batchesRoot === batchesRoot(batchDigests);
}

/** V1, V3: next voters are of the next epoch; an extension has no effect. Whether either may be here, the parent tells. */
function isClosingWellFormed({ header, batchDigests }: Block): boolean {
  const { nextVoterSet, extensionOf, epoch } = header;
  if (nextVoterSet !== null && nextVoterSet.epoch !== epoch + 1) return false;
  return extensionOf === null || (nextVoterSet === null && batchDigests.length === 0);
}

/** R3: once the proposal of our view and its parent fit together, the host executes it; only then do we prepare it. */
export function tryPrepare(step: Step): Step {
  const { state } = step;
  const held = state.proposals.get(state.view);
  if (held === undefined || state.round.validation !== null || state.round.isProposalInvalid) return step;
  if (!isPermitted(state, state.view, 'prepare')) return step;
  const { header } = held.proposal.block;
  // Finality overtook the parent: no SC of the final view can exist, so nothing can justify the block.
  if (!held.isWellFormed || header.parentView < state.final.view) return rejected(step);
  const uncovered = firstUncovered(state, header.parentView, header.view);
  if (uncovered !== null) return onUncovered(step, header, uncovered);
  return checkParent(step, held);
}

/** An honest leader sends up to 64 SCs; of more than that it sends none, and we fetch what we lack. */
function onUncovered(step: Step, header: Header, uncovered: Header['view']): Step {
  const count = header.view - header.parentView - 1;
  if (count <= skipCertificatesInProposalMax) return rejected(step);
  const last = Math.min(header.view - 1, uncovered + skipCertificatesInProposalMax - 1);
  return askForCertificates(step, uncovered, last as Header['view']);
}

function checkParent(step: Step, held: HeldProposal): Step {
  const { header } = held.proposal.block;
  const parent = parentPoint(step.state, header.parentDigest);
  if (parent === null) {
    const isAbandoned = header.parentView <= step.state.final.view;
    return isAbandoned ? rejected(step) : fetchBlock(step, header.parentDigest);
  }
  // V3: on a closing block and on its extensions there is nothing but extensions of it, at its height.
  const closing = openClosing(step.state, header.parentDigest);
  if (header.extensionOf !== closing) return rejected(step);
  const height = closing === null ? parent.height + 1 : parent.height;
  const isNext = header.height === height && header.timeMs > parent.timeMs;
  if (!isNext || header.parentView !== parent.view) return rejected(step);
  const validation = { digest: held.digest, isRunning: true };
  return emit(changeRound(step, { validation }), { kind: 'validateBlock', block: held.proposal.block });
}

function rejected(step: Step): Step {
  return changeRound(step, { isProposalInvalid: true });
}

/** The host's answer to `validateBlock`; a view that was left meanwhile has no use for it. */
export function onBlockValidated(step: Step, digest: Digest, verdict: Verdict): Step {
  const { state } = step;
  if (state.round.validation?.digest !== digest) return step;
  if (verdict === 'invalid') return rejected(step);
  if (verdict === 'unavailable') return changeRound(step, { validation: { digest, isRunning: false } });
  return prepare(step, present(state.proposals.get(state.view), 'a validated proposal is held'));
}

/** W3: header and batch list are recorded before the PREPARE that vouches for them. */
function prepare(step: Step, held: HeldProposal): Step {
  const { state } = step;
  const { block } = held.proposal;
  if (!isPermitted(state, state.view, 'prepare')) return step;
  invariant(block.header.view === state.view, 'R3: we prepare only in our view');
  const recorded = emit(keepBlock(step, block), { kind: 'recordBlock', block });
  const { epoch } = state.config.voters;
  return castVote(recorded, { kind: 'prepare', epoch, view: state.view, digest: held.digest });
}
