/**
 * From a parsed JSON value to the JSON-RPC 2.0 answer: one call or a batch, each element counted, parameters validated, errors in the
 * one form of errors.ts. Nothing internal leaves the node: what a handler throws is told to the log, not to the caller.
 */
import {
  createJSONRPCErrorResponse,
  isJSONRPCID,
  isJSONRPCRequest,
  JSONRPCServer,
  type JSONRPCRequest,
  type JSONRPCResponse,
} from 'json-rpc-2.0';
import type { z } from 'zod';
import { errorObject, fault, httpStatuses, type ErrorName, type Fault, type Outcome } from './errors.ts';
import { batchLengthMax, callsInFlightMax } from './limits.ts';
import type { Method, RpcContext } from './method.ts';

export interface Answer {
  /** HTTP status, for transports that have one. */
  readonly status: number;
  /** Null for notifications, which are not answered. */
  readonly body: JSONRPCResponse | readonly JSONRPCResponse[] | null;
}

export interface Dispatcher {
  /** Never rejects. */
  readonly answer: (value: unknown) => Promise<Answer>;
  readonly callsInFlight: () => number;
}

export function dispatcher(methods: ReadonlyMap<string, Method>, context: RpcContext): Dispatcher {
  const server = new JSONRPCServer({ errorListener: () => {} });
  for (const method of methods.values()) {
    server.addMethodAdvanced(method.name, (request) => answerCall(method, request, context));
  }
  let callsInFlight = 0;
  const answerOne = async (value: unknown): Promise<JSONRPCResponse | null> => {
    if (!isRequest(value)) return errorResponse(idOf(value), fault('invalidRequest').refusal);
    if (!server.hasMethod(value.method)) return unknownMethod(value, context);
    if (callsInFlight >= callsInFlightMax) return errorResponse(idOf(value), fault('overloaded').refusal);
    callsInFlight += 1;
    try {
      return await server.receive(value);
    } finally {
      callsInFlight -= 1;
    }
  };
  return {
    callsInFlight: () => callsInFlight,
    answer: async (value) => {
      if (!Array.isArray(value)) return { status: 200, body: await answerOne(value) };
      if (value.length === 0 || value.length > batchLengthMax) return refusal('batchTooLong');
      const answers = await Promise.all(value.map(answerOne));
      const told = answers.filter((answer) => answer !== null);
      return { status: 200, body: told.length === 0 ? null : told };
    },
  };
}

/** One error for a request as a whole. */
export function refusal(name: ErrorName): Answer {
  return { status: httpStatuses[name] ?? 400, body: errorResponse(null, fault(name).refusal) };
}

function isRequest(value: unknown): value is JSONRPCRequest {
  return typeof value === 'object' && value !== null && isJSONRPCRequest(value);
}

function idOf(value: unknown): string | number | null {
  if (typeof value !== 'object' || value === null || !('id' in value)) return null;
  return isJSONRPCID(value.id) ? value.id : null;
}

function errorResponse(id: string | number | null, problem: Fault): JSONRPCResponse {
  const { code, message, data } = errorObject(problem);
  return createJSONRPCErrorResponse(id, code, message, data);
}

function unknownMethod(request: JSONRPCRequest, { ports }: RpcContext): JSONRPCResponse | null {
  ports.onCall('unknown', 'methodNotFound', 0);
  return request.id === undefined ? null : errorResponse(idOf(request), fault('methodNotFound').refusal);
}

async function answerCall(
  method: Method,
  request: JSONRPCRequest,
  context: RpcContext,
): Promise<JSONRPCResponse | null> {
  const start = performance.now();
  const outcome = await outcomeOf(method, request.params, context);
  const errorName = outcome.ok ? null : outcome.refusal.name;
  context.ports.onCall(method.name, errorName, performance.now() - start);
  if (request.id === undefined) return null;
  if (!outcome.ok) return errorResponse(request.id, outcome.refusal);
  return { jsonrpc: '2.0', id: request.id, result: outcome.value };
}

async function outcomeOf(method: Method, params: unknown, context: RpcContext): Promise<Outcome<unknown>> {
  try {
    const parsed = method.params.safeParse(params ?? {});
    if (!parsed.success) return fault('invalidParams', pathOf(parsed.error));
    return await method.handle(parsed.data, context);
  } catch (error) {
    context.ports.onInternalError(method.name, error);
    return fault('internalError');
  }
}

/** The first wrong field. Of alternatives, the one that went furthest; an unknown field is told by its name. */
function pathOf(error: z.ZodError): string | null {
  const issue = error.issues[0];
  if (issue === undefined) return null;
  if (issue.code === 'unrecognized_keys') return [...issue.path, issue.keys[0] ?? ''].join('.').slice(0, 64);
  if (issue.code === 'invalid_union') {
    const nested = issue.errors.flatMap((issues) => issues.map(({ path }) => path));
    const furthest = nested.toSorted((a, b) => b.length - a.length)[0] ?? [];
    return furthest.length === 0 ? null : [...issue.path, ...furthest].join('.');
  }
  return issue.path.length === 0 ? null : issue.path.join('.');
}
