/** Clusters of real node processes under load and faults: what is sent, what was acknowledged, and what every node holds. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createConsortium, type Consortium } from '../../devnet/cast.ts';
import { devnetPassphrase } from '../../devnet/homes.ts';
import { startDevnet, type Supervisor } from '../../devnet/supervisor.ts';
import type { BatchAnswer, RpcClient } from '../../node/rpc/client.ts';
import type { TransactionResult } from '../../node/rpc/contract.ts';
import { bytesToHex } from '../../protocol/bytes.ts';
import { signIssue } from './transactions.ts';

export const nodeProgram: string = fileURLToPath(new URL('../../node/main.js', import.meta.url));
export const voters = ['hospital', 'clinic', 'pharmacy', 'insurer'] as const;

const pollMs = 50;
const deadlineMsDefault = 60_000;
/** Calls in one request of JSON-RPC. */
const callsPerRequest = 50;
const doctorsPerHospital = 8;

/** Four voters and two observers; many doctors at high rates, so that a load is never refused. */
export function aConsortium(seed: string): Consortium {
  return createConsortium({
    seed,
    voterCount: 4,
    extraDoctorCount: doctorsPerHospital,
    policy: { ratePerHour: { ordinary: 1_000_000, controlled: 10 } },
  });
}

export async function startCluster(seed: string): Promise<Supervisor> {
  return startDevnet({ consortium: aConsortium(seed), isKept: process.env['KEEP_CLUSTERS'] === '1' });
}

export async function pause(durationMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, durationMs));
}

/** The first answer of `ask` that is not null. An error counts as null: nodes come and go here. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | null>,
  deadlineMs: number = deadlineMsDefault,
): Promise<T> {
  const endsAt = performance.now() + deadlineMs;
  let last: unknown = null;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== null) return answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() > endsAt) {
      throw new Error(`did not happen within ${deadlineMs} ms: ${what}`, { cause: last });
    }
    await pause(pollMs);
  }
}

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `rxledger --home <home> <arguments>`, to its end. */
export async function runCommand(
  home: string,
  parameters: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const env = { ...process.env, RXLEDGER_PASSPHRASE: devnetPassphrase, ...environment };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [nodeProgram, '--home', home, ...parameters],
      { env },
      (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ exitCode, stdout, stderr });
      },
    );
  });
}

export function runningNames(devnet: Supervisor): readonly string[] {
  return devnet.names.filter((name) => devnet.node(name).pid !== null);
}

export function runningVoters(devnet: Supervisor): readonly string[] {
  return voters.filter((name) => devnet.node(name).pid !== null);
}

const receiptWaitMs = 60_000;

/** Signed bytes to one node; resolves when they have a receipt, or with `pending`. */
export async function submit(
  devnet: Supervisor,
  name: string,
  transaction: { readonly bytes: Uint8Array },
): Promise<TransactionResult> {
  return submitTo(devnet.client(name), transaction, receiptWaitMs);
}

async function submitTo(
  client: RpcClient,
  { bytes }: { readonly bytes: Uint8Array },
  timeoutMs: number,
): Promise<TransactionResult> {
  return client.call('tx_submit', { transaction: `0x${bytesToHex(bytes)}`, timeoutMs });
}

/** Many at once to one node, in as many requests as needed; their outcomes in their order. */
export async function submitMany(
  devnet: Supervisor,
  name: string,
  transactions: readonly { readonly bytes: Uint8Array }[],
): Promise<readonly TransactionResult[]> {
  const calls = transactions.map(({ bytes }) => ({
    method: 'tx_submit' as const,
    params: { transaction: `0x${bytesToHex(bytes)}`, timeoutMs: receiptWaitMs },
  }));
  const requests: Promise<readonly BatchAnswer[]>[] = [];
  for (let first = 0; first < calls.length; first += callsPerRequest) {
    requests.push(devnet.client(name).batch(calls.slice(first, first + callsPerRequest)));
  }
  return (await Promise.all(requests)).flat().map((answer) => {
    if (!answer.ok) throw answer.error;
    return answer.result as TransactionResult;
  });
}

/** What nodes logged before they gave up. */
export function fatalLines(devnet: Supervisor): readonly string[] {
  const started = devnet.names.filter((name) => existsSync(devnet.node(name).logFile));
  return started.flatMap((name) =>
    readFileSync(devnet.node(name).logFile, 'utf8')
      .split('\n')
      .filter((line) => /"level":("fatal"|60)/.test(line))
      .map((line) => `${name}: ${line}`),
  );
}

export interface Place {
  readonly status: string;
  readonly height: number | null;
  readonly index: number | null;
}

export interface Load {
  /** By txId: where the node that was asked said that it stands, for good. */
  readonly acknowledged: ReadonlyMap<string, Place>;
  readonly sentCount: () => number;
  /** Resolves when `count` more transactions were acknowledged than at the call. */
  readonly acknowledgesMore: (count: number, deadlineMs?: number) => Promise<void>;
  /** Sends no more; resolves when every answer is there. */
  readonly stop: () => Promise<void>;
}

/**
 * Workers that each issue one prescription after the other, at whichever of `among` runs (the founding voters unless named); what fails
 * is never sent again.
 */
export function startLoad(
  devnet: Supervisor,
  workerCount = 4,
  among: () => readonly string[] = () => runningVoters(devnet),
): Load {
  const acknowledged = new Map<string, Place>();
  let sentCount = 0;
  const stopping = new AbortController();
  const sendOne = async (): Promise<void> => {
    const names = among();
    const name = names[sentCount % Math.max(1, names.length)];
    if (name === undefined) return pause(pollMs);
    sentCount += 1;
    const issue = signIssue(devnet.consortium, sentCount % 2 === 0 ? 'hospital' : 'clinic', sentCount);
    try {
      const { txId, status, height, index } = await submitTo(devnet.client(name), issue, 3_000);
      if (height !== null) acknowledged.set(txId, { status, height, index });
    } catch {
      // The node was killed or is full: the outcome is unknown, and nothing was promised.
      await pause(pollMs);
    }
  };
  const workers = Array.from({ length: workerCount }, async () => {
    while (!stopping.signal.aborted) await sendOne();
  });
  return {
    acknowledged,
    sentCount: () => sentCount,
    acknowledgesMore: async (count, deadlineMs) => {
      const wanted = acknowledged.size + count;
      const isThere = (): Promise<true | null> => Promise.resolve(acknowledged.size >= wanted ? true : null);
      await eventually(`${count} more transactions are acknowledged`, isThere, deadlineMs);
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(workers);
    },
  };
}

export async function heightOf(devnet: Supervisor, name: string): Promise<number> {
  return (await devnet.client(name).call('ledger_head', {})).height;
}

/** Waits until every running node has the highest block that any has now; gives that height. */
async function sameHeight(devnet: Supervisor, deadlineMs?: number): Promise<number> {
  const names = runningNames(devnet);
  const height = Math.max(...(await Promise.all(names.map(async (name) => heightOf(devnet, name)))));
  for (const name of names) {
    await eventually(
      `${name} reaches height ${height}`,
      async () => ((await heightOf(devnet, name)) >= height ? height : null),
      deadlineMs,
    );
  }
  return height;
}

/** Digest and state root of one height, by node. */
async function headersAt(devnet: Supervisor, height: number): Promise<ReadonlyMap<string, string>> {
  const entries = await Promise.all(
    runningNames(devnet).map(async (name) => {
      const { digest, header } = await devnet.client(name).call('ledger_header', { height });
      return [name, `${digest} ${header.stateRoot}`] as const;
    }),
  );
  return new Map(entries);
}

/** Every running node has the same block and the same state at the height that all reach. */
export async function assertSameState(devnet: Supervisor, deadlineMs?: number): Promise<number> {
  const height = await sameHeight(devnet, deadlineMs);
  const headers = await headersAt(devnet, height);
  assert.equal(new Set(headers.values()).size, 1, JSON.stringify([...headers]));
  return height;
}

/** All receipts of one node up to a height, by txId; a transaction with two receipts is a failure. */
export async function receiptsOf(
  devnet: Supervisor,
  name: string,
  height: number,
): Promise<ReadonlyMap<string, Place>> {
  const places = new Map<string, Place>();
  for (let first = 1; first <= height; first += callsPerRequest) {
    const last = Math.min(height, first + callsPerRequest - 1);
    const calls = Array.from({ length: last - first + 1 }, (_, offset) => ({
      method: 'ledger_block' as const,
      params: { height: first + offset },
    }));
    for (const answer of await devnet.client(name).batch(calls)) {
      if (!answer.ok) throw answer.error;
      const { receipts } = answer.result as { readonly receipts: readonly (Place & Receipted)[] };
      for (const { txId, outcome, height: at, index } of receipts) {
        assert.ok(!places.has(txId), `${name} has two receipts of ${txId}`);
        places.set(txId, { status: outcome, height: at, index });
      }
    }
  }
  return places;
}

interface Receipted {
  readonly txId: string;
  readonly outcome: string;
}

/** Every transaction acknowledged so far stands on every running node, once, where the acknowledgement said. */
export async function assertNothingLost(devnet: Supervisor, load: Load): Promise<void> {
  const acknowledged = new Map(load.acknowledged);
  const height = await assertSameState(devnet);
  for (const name of runningNames(devnet)) {
    const places = await receiptsOf(devnet, name, height);
    for (const [txId, place] of acknowledged) {
      assert.deepEqual(places.get(txId), place, `${name} and ${txId}`);
    }
    const statuses = await statusesOf(devnet, name, [...acknowledged.keys()]);
    assert.deepEqual(statuses, acknowledged, name);
  }
}

/** What `tx_status` says of each. */
async function statusesOf(
  devnet: Supervisor,
  name: string,
  txIds: readonly string[],
): Promise<ReadonlyMap<string, Place>> {
  const places = new Map<string, Place>();
  for (let first = 0; first < txIds.length; first += callsPerRequest) {
    const calls = txIds
      .slice(first, first + callsPerRequest)
      .map((txId) => ({ method: 'tx_status' as const, params: { txId } }));
    for (const answer of await devnet.client(name).batch(calls)) {
      if (!answer.ok) throw answer.error;
      const { txId, status, height, index } = answer.result as TransactionResult;
      places.set(txId, { status, height, index });
    }
  }
  return places;
}
