/** Whether a call is made again, and when: what the node says of an error, and what it cannot say because it does not answer. */
import { RpcError, type RpcClient } from '../../node/rpc/client.ts';

/** All that the adjudicator needs of the client. */
export type Asked = Pick<RpcClient, 'call'>;

/** No node answered, or not in time. It may have done what was asked all the same. */
class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** The node has not said yet what became of a write: ask again, under the same id. */
export class StillPending extends Error {
  override readonly name = 'StillPending';
}

const againMs = 500;
const unreachableMs = 250;
/** Of a call that needs a new transaction each time. */
const newTriesMax = 5;

/** The same client, whose own failures can be told from ours. */
export function reaching(client: Asked): Asked {
  return {
    call: async (method, params) => {
      try {
        return await client.call(method, params);
      } catch (error) {
        if (error instanceof RpcError) throw error;
        throw new Unreachable('no node answers', { cause: error });
      }
    },
  };
}

/**
 * Milliseconds until the same is tried again after `tries` times; null if it would be answered the same. A failure of ours, which
 * nobody should wait out, is thrown on.
 */
export function retryAfterMsOf(error: unknown, tries: number): number | null {
  if (error instanceof StillPending) return againMs;
  if (error instanceof Unreachable) return unreachableMs;
  if (!(error instanceof RpcError)) throw error;
  if (error.data === null) return null;
  const { retry, retryAfterMs } = error.data;
  if (retry === 'never' || (retry === 'newTx' && tries >= newTriesMax)) return null;
  return retryAfterMs ?? againMs;
}

/** In one word, and without anything that anybody wrote. */
export function reasonOf(error: unknown): string {
  if (error instanceof RpcError) return error.errorName ?? 'notJsonRpc';
  return error instanceof StillPending ? 'pending' : 'unreachable';
}
