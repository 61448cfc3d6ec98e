/**
 * The typed client that applications, the command line, the devnet and the tests use: over the unix socket of a node, or over its loopback
 * HTTP with the bearer token. Connections are kept and shared; every call has a timeout. It never repeats a call by itself.
 */
import { Agent, request, type IncomingMessage, type RequestOptions } from 'node:http';
import type { MethodName, MethodParams, MethodResult, None } from './contract.ts';
import type { ErrorData, ErrorName } from './errors.ts';

export type ClientTarget = { readonly socketPath: string } | { readonly url: string; readonly token: string };

export interface ClientOptions {
  /** For a whole call, with the time that the node was asked to wait. Default 70,000 ms. */
  readonly timeoutMs?: number;
  /** Default 16. */
  readonly connectionsMax?: number;
}

/** What the node answered instead of a result. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: number;
  /** Null if something else than a node of this protocol answered. */
  readonly data: ErrorData | null;

  constructor(code: number, message: string, data: ErrorData | null) {
    super(message);
    this.code = code;
    this.data = data;
  }

  /** The name from the list of errors, for example `prescriptionUnknown`. */
  get errorName(): ErrorName | null {
    return this.data?.name ?? null;
  }
}

/** One call of a batch. */
type BatchCall = {
  readonly [M in MethodName]: { readonly method: M; readonly params: MethodParams<M> };
}[MethodName];

export type BatchAnswer =
  { readonly ok: true; readonly result: unknown } | { readonly ok: false; readonly error: RpcError };

type Call<M extends MethodName> =
  None extends MethodParams<M>
    ? (params?: MethodParams<M>) => Promise<MethodResult<M>>
    : (params: MethodParams<M>) => Promise<MethodResult<M>>;

export interface RpcClient {
  /** Rejects with `RpcError` if the node refuses, with another error if it cannot be reached or does not answer in time. */
  readonly call: <M extends MethodName>(method: M, params: MethodParams<M>) => Promise<MethodResult<M>>;
  /** At most 50 calls in one request; answers in their order. Rejects only if the request as a whole fails. */
  readonly batch: (calls: readonly BatchCall[]) => Promise<readonly BatchAnswer[]>;
  /** Every method by its name: `client.methods.rx_get({ rxId })`. */
  readonly methods: { readonly [M in MethodName]: Call<M> };
  readonly close: () => void;
}

const answerBytesMax = 33_554_432;

export function connect(target: ClientTarget, options: ClientOptions = {}): RpcClient {
  const { timeoutMs = 70_000, connectionsMax = 16 } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: connectionsMax, scheduling: 'lifo' });
  const http: CallOptions = {
    ...targetOptions(target),
    agent,
    method: 'POST',
    path: '/',
    timeout: timeoutMs,
  };
  let calls = 0;
  const message = (method: string, params: unknown): object => {
    calls += 1;
    return { jsonrpc: '2.0', id: calls, method, params };
  };
  const call: RpcClient['call'] = async (method, params) => {
    const answer = await post(http, message(method, params));
    const result = answerOf(answer);
    if (!result.ok) throw result.error;
    return result.result as MethodResult<typeof method>;
  };
  const batch: RpcClient['batch'] = async (batchCalls) => {
    if (batchCalls.length === 0) return [];
    const messages = batchCalls.map(({ method, params }) => message(method, params));
    const answers = await post(http, messages);
    if (!Array.isArray(answers)) throw errorOf(answers) ?? notJsonRpc();
    // The node may answer in any order: the ids say which is whose.
    const byId = new Map(answers.map((answer: { readonly id?: unknown }) => [answer.id, answer]));
    return messages.map((sent) => answerOf(byId.get((sent as { readonly id: number }).id)));
  };
  const byName = (_target: unknown, method: string | symbol): unknown =>
    typeof method === 'string' ? (params: never) => call(method as MethodName, params ?? {}) : undefined;
  const methods = new Proxy({}, { get: byName }) as RpcClient['methods'];
  return { call, batch, methods, close: () => agent.destroy() };
}

interface CallOptions extends RequestOptions {
  readonly headers: Readonly<Record<string, string>>;
}

function targetOptions(target: ClientTarget): CallOptions {
  const headers = { 'content-type': 'application/json' };
  if ('socketPath' in target)
    return { socketPath: target.socketPath, headers: { ...headers, host: 'localhost' } };
  const { hostname, port } = new URL(target.url);
  return {
    // Node wants an IPv6 address without the brackets of the URL.
    hostname: hostname.replaceAll(/^\[|\]$/g, ''),
    port,
    headers: { ...headers, authorization: `Bearer ${target.token}` },
  };
}

function answerOf(answer: unknown): BatchAnswer {
  const error = errorOf(answer);
  if (error !== null) return { ok: false, error };
  if (typeof answer !== 'object' || answer === null || !('result' in answer)) {
    return { ok: false, error: notJsonRpc() };
  }
  return { ok: true, result: answer.result };
}

function errorOf(answer: unknown): RpcError | null {
  if (typeof answer !== 'object' || answer === null || !('error' in answer)) return null;
  const { code, message, data } = answer.error as {
    readonly code: number;
    readonly message: string;
    readonly data?: ErrorData;
  };
  return new RpcError(code, message, data ?? null);
}

function notJsonRpc(): RpcError {
  return new RpcError(-32_700, 'the answer is not JSON-RPC', null);
}

/** One HTTP request; resolves with the parsed body, whatever its status: a refusal is JSON-RPC too. */
function post(options: CallOptions, message: unknown): Promise<unknown> {
  const body = Buffer.from(JSON.stringify(message));
  const headers = { ...options.headers, 'content-length': body.length };
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...options, headers }, (incoming) => {
      readJson(incoming).then(resolve, reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${options.timeout} ms`)));
    outgoing.on('error', (cause) => reject(new Error('the node cannot be reached or hung up', { cause })));
    outgoing.end(body);
  });
}

async function readJson(incoming: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > answerBytesMax) throw new Error(`the answer has more than ${answerBytesMax} bytes`);
    chunks.push(bytes);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw new Error(`the answer is not JSON (HTTP ${incoming.statusCode ?? 0})`, { cause });
  }
}
