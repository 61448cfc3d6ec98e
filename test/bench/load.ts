/** The load generator: sends signed transactions over JSON-RPC and measures until the node says that they are committed. */
import type { RpcClient } from '../../node/rpc/client.ts';
import { stepsPerLife, type Life, type SignedStep } from './lives.ts';

export interface LoadResult {
  readonly committedCount: number;
  /** Neither committed nor pending: refused, or an error. Nothing of the kind is expected. */
  readonly failedCount: number;
  /** From sending to the answer, in ms, of each committed transaction. */
  readonly latenciesMs: readonly number[];
  readonly seconds: number;
}

/** The node of each member, by name. */
export type ClientOf = (member: string) => RpcClient;

interface Tally {
  committedCount: number;
  failedCount: number;
  readonly latenciesMs: number[];
}

const timeoutMs = 30_000;

/** One request to one member's node; its transactions count as committed when its answer is here. */
async function send(clientOf: ClientOf, steps: readonly SignedStep[], tally: Tally): Promise<void> {
  const [first] = steps;
  if (first === undefined) return;
  const start = performance.now();
  const calls = steps.map(
    ({ transaction }) =>
      ({ method: 'tx_submit', params: { transaction, waitFor: 'committed', timeoutMs } }) as const,
  );
  const answers = await clientOf(first.member).batch(calls);
  const latencyMs = performance.now() - start;
  for (const answer of answers) {
    const isCommitted = answer.ok && (answer.result as { readonly status: string }).status === 'committed';
    if (isCommitted) {
      tally.committedCount += 1;
      tally.latenciesMs.push(latencyMs);
    } else {
      tally.failedCount += 1;
    }
  }
}

/** Some lives, step by step: a step is one request, and the next begins when it is committed. */
async function live(
  clientOf: ClientOf,
  lives: readonly Life[],
  run: { readonly tally: Tally; readonly isOver: () => boolean },
): Promise<void> {
  for (let step = 0; step < stepsPerLife && !run.isOver(); step += 1) {
    const steps = lives.flatMap((life) => life[step] ?? []);
    const members = new Set(steps.map(({ member }) => member));
    await Promise.all(
      [...members].map(async (member) =>
        send(
          clientOf,
          steps.filter((one) => one.member === member),
          run.tally,
        ),
      ),
    );
  }
}

function groupsOf(lives: readonly Life[], size: number): readonly (readonly Life[])[] {
  const count = Math.floor(lives.length / size);
  return Array.from({ length: count }, (_, index) => lives.slice(index * size, (index + 1) * size));
}

/** As much as the nodes take: so many groups of lives are always on their way. */
export async function saturate(
  clientOf: ClientOf,
  lives: readonly Life[],
  shape: { readonly seconds: number; readonly groupCount: number; readonly livesPerGroup: number },
): Promise<LoadResult> {
  const tally: Tally = { committedCount: 0, failedCount: 0, latenciesMs: [] };
  const start = performance.now();
  const isOver = (): boolean => performance.now() - start >= 1_000 * shape.seconds;
  const groups = [...groupsOf(lives, shape.livesPerGroup)];
  const stream = async (): Promise<void> => {
    for (let group = groups.pop(); group !== undefined && !isOver(); group = groups.pop()) {
      await live(clientOf, group, { tally, isOver });
    }
  };
  await Promise.all(Array.from({ length: shape.groupCount }, stream));
  if (groups.length === 0) throw new Error('the load ran out of signed lives: the figure would be too low');
  return { ...tally, seconds: (performance.now() - start) / 1_000 };
}

/** A fixed rate: groups of lives begin on their own times, whatever the answers. */
export async function pace(
  clientOf: ClientOf,
  lives: readonly Life[],
  shape: { readonly perSecond: number; readonly livesPerGroup: number },
): Promise<LoadResult> {
  const tally: Tally = { committedCount: 0, failedCount: 0, latenciesMs: [] };
  const start = performance.now();
  const intervalMs = (1_000 * shape.livesPerGroup * stepsPerLife) / shape.perSecond;
  const running: Promise<void>[] = [];
  for (const [index, group] of groupsOf(lives, shape.livesPerGroup).entries()) {
    await pause(start + index * intervalMs);
    running.push(live(clientOf, group, { tally, isOver: () => false }));
  }
  await Promise.all(running);
  return { ...tally, seconds: (performance.now() - start) / 1_000 };
}

/** Single transactions at a fixed rate. */
export async function trickle(
  clientOf: ClientOf,
  steps: readonly SignedStep[],
  perSecond: number,
): Promise<LoadResult> {
  const tally: Tally = { committedCount: 0, failedCount: 0, latenciesMs: [] };
  const start = performance.now();
  const running: Promise<void>[] = [];
  for (const [index, step] of steps.entries()) {
    await pause(start + (index * 1_000) / perSecond);
    running.push(send(clientOf, [step], tally));
  }
  await Promise.all(running);
  return { ...tally, seconds: (performance.now() - start) / 1_000 };
}

async function pause(untilMs: number): Promise<void> {
  const waitMs = untilMs - performance.now();
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
}
