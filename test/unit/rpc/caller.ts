/** Calls as an application makes them, without a socket between. */
import assert from 'node:assert/strict';
import type { MethodName, MethodParams, MethodResult } from '../../../node/rpc/contract.ts';
import { dispatcher } from '../../../node/rpc/dispatch.ts';
import type { ErrorObject } from '../../../node/rpc/errors.ts';
import { methods } from '../../../node/rpc/methods.ts';
import type { RpcPorts } from '../../../node/rpc/ports.ts';
import { memoryContext, memoryPorts, type MemoryChain } from './memoryNode.ts';

interface Answer {
  readonly id: unknown;
  readonly result?: unknown;
  readonly error?: ErrorObject;
}

export interface Caller {
  /** The result; fails the test on an error. */
  readonly call: <M extends MethodName>(method: M, params: MethodParams<M>) => Promise<MethodResult<M>>;
  /** The error; fails the test on a result. */
  readonly refusal: (method: string, params: unknown) => Promise<ErrorObject>;
}

export function callerOf(ports: RpcPorts): Caller {
  const dispatch = dispatcher(methods, memoryContext(ports));
  const answer = async (method: string, params: unknown): Promise<Answer> => {
    // Over the wire a field that is undefined is absent.
    const request: unknown = JSON.parse(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
    const { body } = await dispatch.answer(request);
    return JSON.parse(JSON.stringify(body)) as Answer;
  };
  return {
    call: async (method, params) => {
      const { result, error } = await answer(method, params);
      assert.equal(error, undefined);
      return result as MethodResult<typeof method>;
    },
    refusal: async (method, params) => {
      const { error } = await answer(method, params);
      assert.ok(error !== undefined, 'answered with a result');
      return error;
    },
  };
}

export function memberOn(chain: MemoryChain, member: string): Caller {
  return callerOf(memoryPorts(chain, member));
}
