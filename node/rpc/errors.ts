/**
 * Every error of the JSON-RPC interface, in one list: its code, its name, whether to try again, and what to try. Codes are part of
 * the contract: never renamed, never reused. A refusal of the ledger keeps its own name and has a code from 1000 up.
 */
import type { Digest } from '../../protocol/brand.ts';
import type { Refusal, RefusalCode } from '../../protocol/refusal.ts';
import type { Result } from '../../protocol/result.ts';
import { refusalErrors } from './refusalErrors.ts';

/** `sameTx`: send the same bytes again. `newTx`: build a new transaction. `after`: the same call, after `retryAfterMs`. */
type Retry = 'never' | 'sameTx' | 'newTx' | 'after';

export interface ErrorEntry {
  readonly code: number;
  readonly retry: Retry;
  /** What to try, in one line. */
  readonly hint: string;
}

type ServerErrorName =
  | 'parseError'
  | 'invalidRequest'
  | 'methodNotFound'
  | 'invalidParams'
  | 'internalError'
  | 'notFound'
  | 'unavailable'
  | 'historyMissing'
  | 'overloaded'
  | 'unauthorized'
  | 'hostRefused'
  | 'originRefused'
  | 'verbRefused'
  | 'contentTypeRefused'
  | 'bodyTooLarge'
  | 'depthExceeded'
  | 'batchTooLong'
  | 'pathUnknown';
export type ErrorName = ServerErrorName | RefusalCode;

const serverErrors: Readonly<Record<ServerErrorName, ErrorEntry>> = {
  parseError: { code: -32700, retry: 'never', hint: 'Send one JSON value in UTF-8, each key once.' },
  invalidRequest: {
    code: -32600,
    retry: 'never',
    hint: 'Send {"jsonrpc":"2.0","id":1,"method":...,"params":{...}}.',
  },
  methodNotFound: { code: -32601, retry: 'never', hint: 'rpc.discover lists the methods.' },
  invalidParams: {
    code: -32602,
    retry: 'never',
    hint: 'Correct the field at path; rpc.discover has its schema.',
  },
  internalError: {
    code: -32603,
    retry: 'after',
    hint: 'Ask for the outcome by tx_status; the node wrote the cause to its log.',
  },
  notFound: {
    code: -32001,
    retry: 'after',
    hint: 'Check the identifier, or wait until this node has caught up (node_status).',
  },
  unavailable: { code: -32002, retry: 'after', hint: 'Ask node_status what the node is waiting for.' },
  historyMissing: {
    code: -32003,
    retry: 'never',
    hint: 'This node joined from a snapshot and knows nothing older; ask a member with a longer history.',
  },
  overloaded: { code: -32005, retry: 'after', hint: 'Send fewer calls at once.' },
  unauthorized: {
    code: -32010,
    retry: 'never',
    hint: 'Send "authorization: Bearer <token>" with the token of the token file.',
  },
  hostRefused: {
    code: -32011,
    retry: 'never',
    hint: 'Call the node by its loopback address: 127.0.0.1, [::1] or localhost with its port.',
  },
  originRefused: {
    code: -32012,
    retry: 'never',
    hint: 'Call from a program, or list the origin in rpc.origins.',
  },
  verbRefused: {
    code: -32013,
    retry: 'never',
    hint: 'Call with POST; GET is for /livez, /readyz and /metrics.',
  },
  contentTypeRefused: { code: -32014, retry: 'never', hint: 'Send "content-type: application/json".' },
  bodyTooLarge: { code: -32015, retry: 'never', hint: 'Send at most 262144 bytes; split the batch.' },
  depthExceeded: { code: -32016, retry: 'never', hint: 'Nest at most 32 objects and arrays.' },
  batchTooLong: { code: -32017, retry: 'never', hint: 'Send 1 to 50 calls in a batch.' },
  pathUnknown: { code: -32018, retry: 'never', hint: 'JSON-RPC is served at /.' },
};

export const errorEntries: Readonly<Record<ErrorName, ErrorEntry>> = { ...refusalErrors, ...serverErrors };

/** The HTTP status of an answer that is one error as a whole; errors inside JSON-RPC answers travel with 200. */
export const httpStatuses: Readonly<Partial<Record<ErrorName, number>>> = {
  parseError: 400,
  invalidRequest: 400,
  depthExceeded: 400,
  batchTooLong: 400,
  unauthorized: 401,
  hostRefused: 403,
  originRefused: 403,
  pathUnknown: 404,
  verbRefused: 405,
  bodyTooLarge: 413,
  contentTypeRefused: 415,
  overloaded: 503,
  internalError: 500,
};

const retryAfterMsOf: Readonly<Partial<Record<ErrorName, number>>> = {
  overloaded: 250,
  unavailable: 1_000,
  notFound: 1_000,
  internalError: 1_000,
  busy: 500,
  documentUnavailable: 2_000,
};

/** What a method answers instead of a result. */
export interface Fault {
  readonly name: ErrorName;
  /** A field of the parameters, or the detail of a refusal; never something that a person wrote. */
  readonly path: string | null;
  readonly txId: Digest | null;
}

export type Outcome<T> = Result<T, Fault>;

export function fault(
  name: ErrorName,
  path: string | null = null,
): { readonly ok: false; readonly refusal: Fault } {
  return { ok: false, refusal: { name, path, txId: null } };
}

/** A refusal of the protocol as the answer of a method. */
export function faultOf(
  refusal: Refusal,
  txId: Digest | null = null,
): { readonly ok: false; readonly refusal: Fault } {
  return { ok: false, refusal: { name: refusal.code, path: refusal.detail, txId } };
}

export interface ErrorData {
  readonly name: ErrorName;
  readonly retry: Retry;
  readonly retryAfterMs?: number;
  readonly txId?: string;
  readonly path?: string;
  readonly hint: string;
}

export interface ErrorObject {
  readonly code: number;
  readonly message: string;
  readonly data: ErrorData;
}

/** The `error` member of a JSON-RPC answer. */
export function errorObject(problem: Fault): ErrorObject {
  const { name, path, txId } = problem;
  const { code, retry, hint } = errorEntries[name];
  const retryAfterMs = retryAfterMsOf[name];
  return {
    code,
    message: path === null ? name : `${name}: ${path}`,
    data: {
      name,
      retry,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(txId === null ? {} : { txId: `0x${txId}` }),
      ...(path === null ? {} : { path }),
      hint,
    },
  };
}
