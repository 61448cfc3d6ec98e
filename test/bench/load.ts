/** The load generator: sends signed transactions over JSON-RPC and measures until the node says that they are committed. */
import type { RpcClient } from '../../node/rpc/client.ts';

export interface LoadResult {
  readonly committedCount: number;
  /** Neither committed nor pending: refused, or an error. Nothing of the kind is expected. */
  readonly failedCount: number;
  /** From sending to the answer, in ms, of each committed transaction. */
  readonly latenciesMs: readonly number[];
  readonly seconds: number;
}

/** Hands out each transaction once. */
export interface Source {
  readonly take: (count: number) => readonly string[];
}

export function sourceOf(transactions: readonly string[]): Source {
  let next = 0;
  return {
    take: (count) => {
      const taken = transactions.slice(next, next + count);
      next += taken.length;
      return taken;
    },
  };
}

interface Tally {
  committedCount: number;
  failedCount: number;
  readonly latenciesMs: number[];
}

const timeoutMs = 30_000;

/** One request; its transactions count as committed when its answer is here. */
async function send(client: RpcClient, transactions: readonly string[], tally: Tally): Promise<void> {
  const start = performance.now();
  const calls = transactions.map(
    (transaction) =>
      ({ method: 'tx_submit', params: { transaction, waitFor: 'committed', timeoutMs } }) as const,
  );
  const answers = await client.batch(calls);
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

/** As much as the nodes take: so many requests of so many transactions are always on their way to each node. */
export async function saturate(
  clients: readonly RpcClient[],
  source: Source,
  shape: {
    readonly seconds: number;
    readonly requestsPerNode: number;
    readonly transactionsPerRequest: number;
  },
): Promise<LoadResult> {
  const tally: Tally = { committedCount: 0, failedCount: 0, latenciesMs: [] };
  const start = performance.now();
  const end = start + 1_000 * shape.seconds;
  const stream = async (client: RpcClient): Promise<void> => {
    while (performance.now() < end) {
      const transactions = source.take(shape.transactionsPerRequest);
      if (transactions.length === 0) return;
      await send(client, transactions, tally);
    }
  };
  const streams = clients.flatMap((client) =>
    Array.from({ length: shape.requestsPerNode }, async () => stream(client)),
  );
  await Promise.all(streams);
  return { ...tally, seconds: (performance.now() - start) / 1_000 };
}

/** A fixed rate, whatever the answers: requests leave on their own times, the nodes in turn. */
export async function pace(
  clients: readonly RpcClient[],
  source: Source,
  shape: { readonly seconds: number; readonly perSecond: number; readonly transactionsPerRequest: number },
): Promise<LoadResult> {
  const tally: Tally = { committedCount: 0, failedCount: 0, latenciesMs: [] };
  const start = performance.now();
  const intervalMs = (1_000 * shape.transactionsPerRequest) / shape.perSecond;
  const requestCount = Math.floor((1_000 * shape.seconds) / intervalMs);
  const requests: Promise<void>[] = [];
  for (let index = 0; index < requestCount; index += 1) {
    const waitMs = start + index * intervalMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const client = clients[index % clients.length];
    const transactions = source.take(shape.transactionsPerRequest);
    if (client === undefined || transactions.length === 0) break;
    requests.push(send(client, transactions, tally));
  }
  await Promise.all(requests);
  return { ...tally, seconds: (performance.now() - start) / 1_000 };
}
