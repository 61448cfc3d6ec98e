/** R8 (consensus/README.md): the tick, bound to no view, and the answers that bring a peer up to where we are. */
import type { Epoch, MemberName, Timestamp, Verified, View } from '../protocol/brand.ts';
import type { Certificate } from '../protocol/certificate.ts';
import { certificatesPerAnswerMax } from '../protocol/limits.ts';
import type { Status } from '../protocol/message.ts';
import { finalizePending } from './chain.ts';
import { isUnsettled } from './expectation.ts';
import { resendOwn } from './safety.ts';
import { change, changeRound, emit, type ReplicaState, type Step } from './state.ts';
import { tickMs } from './timeout.ts';

/** The host puts its wall clock into `timeMs` when it sends: the core has no clock. */
function statusOf(state: ReplicaState): Status {
  const { config, view, final } = state;
  const epoch = config.voters.epoch;
  return { epoch, view, finalView: final.view, finalHeight: final.height, timeMs: 0 as Timestamp };
}

export function startTick(step: Step): Step {
  const timeout = { kind: 'tick' as const, view: 0 as View };
  return emit(step, { kind: 'startTimer', timeout, afterMs: tickMs });
}

/** Every second: say where we stand, repeat what may have been lost, and try again what could not be done. */
export function onTick(step: Step): Step {
  const { state } = step;
  const isStill = state.viewAtTick === state.view && isUnsettled(state);
  const told = sendStatus(startTick(step));
  const repeated = isStill ? resend(told) : told;
  const { round, preparedView, final } = state;
  const renewed = change(repeated, {
    tick: state.tick + 1,
    viewAtTick: state.view,
    finalViewAtTick: final.view,
    unfinalTicks: preparedView > final.view ? state.unfinalTicks + 1 : 0,
    fetching: new Set(),
  });
  const isWaiting = round.validation !== null && !round.validation.isRunning;
  const retried = changeRound(renewed, {
    building: round.building === 'refused' ? 'none' : round.building,
    validation: isWaiting ? null : round.validation,
  });
  return finalizePending(retried);
}

export function sendStatus(step: Step): Step {
  const status = statusOf(step.state);
  return emit(step, { kind: 'broadcast', message: { kind: 'status', status } });
}

/** Our statements, and the certificate that brought us to this view. */
export function resend(step: Step): Step {
  const { state } = step;
  if (state.config.own === null) return step;
  const own = resendOwn(step);
  const certificate = certificateOf(state, (state.view - 1) as View);
  if (certificate === null) return own;
  return emit(own, { kind: 'broadcast', message: { kind: 'certificate', certificate } });
}

function certificateOf(state: ReplicaState, view: View): Verified<Certificate> | null {
  if (view === state.final.view) return state.final.certificate;
  return state.prepared.get(view) ?? state.skipped.get(view) ?? null;
}

/**
 * A peer behind us gets the CC of our final block and certificates from its view on, the newest last, at most 64 in all.
 * What we gained since our last tick is still on its way to the peer, and not sent again.
 */
export function answerStatus(step: Step, from: MemberName, status: Status): Step {
  const { state } = step;
  if (state.config.own === null) return step;
  if (status.epoch !== state.config.voters.epoch) return answerStraggler(step, from, status.epoch);
  const { certificate, view } = state.final;
  const isFinalityLate = certificate !== null && status.finalView < state.finalViewAtTick;
  const answers = isFinalityLate ? [certificate] : [];
  if (status.view < state.viewAtTick) {
    const lowest = Math.max(status.view, view + 1);
    const range = certificatesBetween(state, lowest, certificatesPerAnswerMax - 2);
    const newest = certificateOf(state, (state.view - 1) as View);
    answers.push(...range);
    const isSent = newest === null || answers.includes(newest);
    if (!isSent) answers.push(newest);
  }
  return sendCertificates(step, from, answers);
}

/** V4: a peer of the epoch before gets the CC that ended it; who is further behind asks by height. */
function answerStraggler(step: Step, from: MemberName, epoch: Epoch): Step {
  const { voters, start } = step.state.config;
  if (epoch !== voters.epoch - 1 || start.certificate === null) return step;
  // It was verified before the ledger took its block, and the ledger is the truth.
  return sendCertificates(step, from, [start.certificate as Verified<Certificate>]);
}

/** FETCH of certificates: everything held for those views, or our CC where finality has overtaken them. */
export function answerCertificatesWanted(
  step: Step,
  from: MemberName,
  wanted: { readonly epoch: Epoch; readonly fromView: View; readonly toView: View },
): Step {
  const { state } = step;
  if (wanted.epoch !== state.config.voters.epoch) return answerStraggler(step, from, wanted.epoch);
  const { certificate, view } = state.final;
  const answers = certificate !== null && wanted.fromView <= view ? [certificate] : [];
  const lowest = Math.max(wanted.fromView, view + 1);
  const countMax = certificatesPerAnswerMax - answers.length;
  const held = certificatesBetween(state, lowest, countMax).filter(
    (candidate) => candidate.view <= wanted.toView,
  );
  return sendCertificates(step, from, [...answers, ...held]);
}

/** PC and SC of the views from `lowest` to the one before ours, ascending, at most `countMax` of them. */
function certificatesBetween(
  state: ReplicaState,
  lowest: number,
  countMax: number,
): readonly Verified<Certificate>[] {
  const found: Verified<Certificate>[] = [];
  for (let view = lowest as View; view < state.view && found.length < countMax; view = (view + 1) as View) {
    const skip = state.skipped.get(view);
    const prepared = state.prepared.get(view);
    if (skip !== undefined) found.push(skip);
    if (prepared !== undefined && found.length < countMax) found.push(prepared);
  }
  return found;
}

function sendCertificates(step: Step, to: MemberName, certificates: readonly Verified<Certificate>[]): Step {
  return emit(
    step,
    ...certificates.map((certificate) => ({
      kind: 'send' as const,
      to,
      message: { kind: 'certificate' as const, certificate },
    })),
  );
}
