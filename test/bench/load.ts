/** The load generator: sends signed transactions over JSON-RPC and measures until the node says what became of them. */
import type { BatchAnswer, RpcClient } from '../../node/rpc/client.ts';
import type { TransactionResult } from '../../node/rpc/contract.ts';
import { batchLengthMax } from '../../node/rpc/limits.ts';
import type { Life, SignedStep } from './lives.ts';

export interface LoadResult {
  /** With a receipt as planned, those among them that had to be refused. */
  readonly committedCount: number;
  /** Those of them that were refused, as people's errors must be. */
  readonly refusedCount: number;
  /** Another answer than the planned one, none in time, or an error. Nothing of the kind is expected. */
  readonly failedCount: number;
  /** From sending to the answer, in ms, of each with a receipt as planned. */
  readonly latenciesMs: readonly number[];
  readonly seconds: number;
}

/** The node of a member, by its name. */
export type ClientOf = (member: string) => RpcClient;

interface Tally {
  committedCount: number;
  refusedCount: number;
  failedCount: number;
  readonly latenciesMs: number[];
}

/** A life that has begun, and the index of its next step. */
interface Begun {
  readonly life: Life;
  readonly step: number;
}

interface Schedule {
  /** Lives on their way at one moment. */
  readonly livesAtOnceMax: number;
  /** Steps. */
  readonly perSecondMax: number;
  readonly gatherMs: number;
  /** Then nothing more is sent; what was sent is waited for. */
  readonly seconds: number;
}

const timeoutMs = 30_000;
/** Steps that come due within so much time go in one request to each node: it costs less than one for each, here and there. */
const gatherMs = 25;
/** At a fixed rate little comes due in a moment: longer, for requests of some twenty steps. */
const paceGatherMs = 150;
/** More than any machine does. */
const stepsPerSecondMax = 1_000_000_000;

function newTally(): Tally {
  return { committedCount: 0, refusedCount: 0, failedCount: 0, latenciesMs: [] };
}

/** One request to one member's node; its transactions count when its answer is here. Tells of each whether it went as planned. */
async function send(
  client: RpcClient,
  steps: readonly SignedStep[],
  tally: Tally,
): Promise<readonly boolean[]> {
  const start = performance.now();
  const calls = steps.map(
    ({ transaction }) =>
      ({ method: 'tx_submit', params: { transaction, waitFor: 'committed', timeoutMs } }) as const,
  );
  const answers = await client.batch(calls);
  const latencyMs = performance.now() - start;
  return steps.map(({ expected }, index) => {
    const isPlanned = outcomeOf(answers[index]) === expected;
    if (isPlanned) {
      tally.committedCount += 1;
      tally.latenciesMs.push(latencyMs);
      if (expected !== 'committed') tally.refusedCount += 1;
    } else {
      tally.failedCount += 1;
    }
    return isPlanned;
  });
}

/** `committed`, `pending`, the code of a refusal, or `failed`. */
function outcomeOf(answer: BatchAnswer | undefined): string {
  if (answer?.ok !== true) return 'failed';
  const { status, code } = answer.result as TransactionResult;
  return code ?? status;
}

/** Lives in their order; of each a step is sent when the one before it is answered. A life in which something is not as planned ends. */
async function run(
  clientOf: ClientOf,
  lives: readonly Life[],
  schedule: Schedule,
): Promise<LoadResult & { readonly begunCount: number }> {
  const { livesAtOnceMax, perSecondMax, seconds } = schedule;
  const tally = newTally();
  const start = performance.now();
  const sent: Promise<void>[] = [];
  const failures: unknown[] = [];
  const due: Begun[] = [];
  let [begunCount, endedCount, sentCount] = [0, 0, 0];
  const request = async (node: string, own: readonly Begun[]): Promise<void> => {
    const arePlanned = await send(clientOf(node), own.flatMap(nextStep), tally);
    for (const [index, { life, step }] of own.entries()) {
      const goesOn = arePlanned[index] === true && step + 1 < life.length;
      if (goesOn) due.push({ life, step: step + 1 });
      else endedCount += 1;
    }
  };
  for (let tick = 1; endedCount < lives.length && failures.length === 0; tick += 1) {
    const elapsedMs = performance.now() - start;
    if (elapsedMs >= 1_000 * seconds) break;
    const stepsMax = Math.max(0, Math.floor((perSecondMax * elapsedMs) / 1_000) - sentCount);
    const following = due.splice(0, stepsMax);
    const livesMax = Math.min(stepsMax - following.length, livesAtOnceMax - (begunCount - endedCount));
    const begun = lives.slice(begunCount, begunCount + livesMax).map((life) => ({ life, step: 0 }));
    begunCount += begun.length;
    sentCount += following.length + begun.length;
    const now = [...following, ...begun];
    for (const { node, own } of requestsOf(now)) {
      sent.push(request(node, own).catch((error: unknown) => void failures.push(error)));
    }
    await pause(start + tick * schedule.gatherMs);
  }
  await Promise.all(sent);
  if (failures.length > 0) throw new Error('a node did not answer', { cause: failures[0] });
  return { ...tally, begunCount, seconds: (performance.now() - start) / 1_000 };
}

interface Request {
  readonly node: string;
  readonly own: readonly Begun[];
}

/** All that is due for one node goes together, as much as a request may hold. */
function requestsOf(due: readonly Begun[]): readonly Request[] {
  const byNode = new Map<string, Begun[]>();
  for (const begun of due) {
    for (const { node } of nextStep(begun)) {
      const own = byNode.get(node);
      if (own === undefined) byNode.set(node, [begun]);
      else own.push(begun);
    }
  }
  return [...byNode].flatMap(([node, all]) =>
    Array.from({ length: Math.ceil(all.length / batchLengthMax) }, (_, index) => ({
      node,
      own: all.slice(index * batchLengthMax, (index + 1) * batchLengthMax),
    })),
  );
}

/** One, or none when the life is over. */
function nextStep({ life, step }: Begun): readonly SignedStep[] {
  return life.slice(step, step + 1);
}

/** As much as the nodes take: so many lives are always on their way. */
export async function saturate(
  clientOf: ClientOf,
  lives: readonly Life[],
  shape: { readonly seconds: number; readonly livesAtOnceMax: number },
): Promise<LoadResult> {
  const result = await run(clientOf, lives, { ...shape, gatherMs, perSecondMax: stepsPerSecondMax });
  const isLeft = result.begunCount < lives.length;
  if (!isLeft) throw new Error('the load ran out of signed lives: the figure would be too low');
  return result;
}

/** Steps at a fixed rate, whatever the answers: where those that follow from answers are fewer, lives begin. */
export async function pace(
  clientOf: ClientOf,
  lives: readonly Life[],
  shape: { readonly seconds: number; readonly perSecond: number },
): Promise<LoadResult> {
  const { seconds, perSecond } = shape;
  const schedule = { seconds, gatherMs: paceGatherMs, perSecondMax: perSecond, livesAtOnceMax: lives.length };
  return run(clientOf, lives, schedule);
}

/** Single transactions at a fixed rate. */
export async function trickle(clientOf: ClientOf, steps: Life, perSecond: number): Promise<LoadResult> {
  const tally = newTally();
  const start = performance.now();
  const running: Promise<unknown>[] = [];
  for (const [index, step] of steps.entries()) {
    await pause(start + (index * 1_000) / perSecond);
    running.push(send(clientOf(step.node), [step], tally));
  }
  await Promise.all(running);
  return { ...tally, seconds: (performance.now() - start) / 1_000 };
}

async function pause(untilMs: number): Promise<void> {
  const waitMs = untilMs - performance.now();
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
}
