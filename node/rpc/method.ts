/** What a method is: a name, the schema of its parameters, and a handler that answers with a result or a fault. */
import * as z from 'zod';
import type { MethodName, RpcMethods } from './contract.ts';
import type { Outcome } from './errors.ts';
import type { EventFeed } from './events.ts';
import type { RpcPorts } from './ports.ts';
import type { Turnstile } from './turnstile.ts';
import type { WriteMemory } from './writeMemory.ts';

export interface RpcContext {
  readonly ports: RpcPorts;
  readonly feed: EventFeed;
  readonly writes: WriteMemory;
  /** For those who look through many records. */
  readonly looks: Turnstile;
}

export interface Method {
  readonly name: MethodName;
  /** One sentence, for rpc.discover and the manual. */
  readonly summary: string;
  /** JSON in, domain values out; the JSON side stands in rpc.discover. */
  readonly params: z.ZodType;
  /** Describes the JSON of the result, for rpc.discover. */
  readonly result: z.ZodType;
  readonly handle: (params: unknown, context: RpcContext) => Outcome<unknown> | Promise<Outcome<unknown>>;
}

export interface MethodDefinition<M extends MethodName, P> {
  readonly summary: string;
  readonly params: z.ZodType<P>;
  readonly result?: z.ZodType;
  readonly handle: (
    params: P,
    context: RpcContext,
  ) => Outcome<RpcMethods[M]['result']> | Promise<Outcome<RpcMethods[M]['result']>>;
}

const anyObject: z.ZodType = z.looseObject({});

/** The dispatcher hands a handler only what its own schema gave, so its parameter type holds. */
export function method<M extends MethodName, P>(name: M, definition: MethodDefinition<M, P>): Method {
  const { summary, params, handle, result = anyObject } = definition;
  return { name, summary, params, result, handle: (value, context) => handle(value as P, context) };
}

export const noParams: z.ZodType<Record<string, never>> = z.strictObject({});
