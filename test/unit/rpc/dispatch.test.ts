import assert from 'node:assert/strict';
import { dispatcher } from '../../../node/rpc/dispatch.ts';
import { callsInFlightMax } from '../../../node/rpc/limits.ts';
import { methods } from '../../../node/rpc/methods.ts';
import type { RpcPorts } from '../../../node/rpc/ports.ts';
import { accepted, refused } from '../../../protocol/result.ts';
import { callerOf } from './caller.ts';
import { memoryChain, memoryContext, memoryPorts } from './memoryNode.ts';

const head = { jsonrpc: '2.0', id: 1, method: 'ledger_head' };
const transaction = '0x00';

function portsWith(overrides: Partial<RpcPorts>): RpcPorts {
  return memoryPorts(memoryChain(), 'hospital', overrides);
}

function withTransactions(overrides: Partial<RpcPorts['transactions']>): RpcPorts {
  const ports = memoryPorts(memoryChain());
  return { ...ports, transactions: { ...ports.transactions, ...overrides } };
}

describe('the dispatcher', () => {
  it('answers a batch of one with an array, in the order of the calls', async () => {
    const { answer } = dispatcher(methods, memoryContext(portsWith({})));
    const { body } = await answer([head]);
    assert.deepEqual(body, [{ jsonrpc: '2.0', id: 1, result: { height: 0, digest: null, time: null } }]);
  });

  it('judges each call of a batch by itself', async () => {
    const { answer } = dispatcher(methods, memoryContext(portsWith({})));
    const { body } = await answer([head, 7, { ...head, id: 3, method: 'none' }]);
    const answers = JSON.parse(JSON.stringify(body)) as readonly {
      readonly id: unknown;
      readonly error?: { readonly code: number };
    }[];
    assert.deepEqual(
      answers.map(({ id, error }) => [id, error?.code ?? null]),
      [
        [1, null],
        [null, -32600],
        [3, -32601],
      ],
    );
  });

  it('does not answer notifications', async () => {
    const { answer } = dispatcher(methods, memoryContext(portsWith({})));
    const { id: _id, ...notification } = head;
    assert.deepEqual(await answer(notification), { status: 200, body: null });
    assert.deepEqual(await answer([notification, notification]), { status: 200, body: null });
  });

  it('tells the cause of an internal error to the log, and nothing of it to the caller', async () => {
    const causes: unknown[] = [];
    const secret = new Error('/home/hospital/keys');
    const ports = portsWith({ onInternalError: (method, error) => causes.push([method, error]) });
    const node = {
      ...ports.node,
      status: (): never => {
        throw secret;
      },
    };
    const error = await callerOf({ ...ports, node }).refusal('node_status', {});
    assert.deepEqual(causes, [['node_status', secret]]);
    assert.deepEqual(
      { code: error.code, message: error.message, isToldInside: JSON.stringify(error).includes('hospital') },
      { code: -32603, message: 'internalError', isToldInside: false },
    );
  });

  it('refuses one call more than it has room for, and has room again when one is answered', async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const submit: RpcPorts['transactions']['submit'] = async () => {
      await gate;
      return refused('busy');
    };
    const { answer, callsInFlight } = dispatcher(methods, memoryContext(withTransactions({ submit })));
    const call = { ...head, method: 'tx_submit', params: { transaction } };
    const waiting = Array.from({ length: callsInFlightMax }, () => answer(call));
    const refusedOne = JSON.stringify((await answer(call)).body);
    release();
    await Promise.all(waiting);
    assert.match(refusedOne, /"name":"overloaded","retry":"after","retryAfterMs":250/);
    assert.equal(callsInFlight(), 0);
  });

  it('counts each call by its method, error and duration', async () => {
    const calls: unknown[] = [];
    const ports = portsWith({
      onCall: (method, name, durationMs) => calls.push([method, name, durationMs >= 0]),
    });
    const caller = callerOf(ports);
    await caller.call('ledger_head', {});
    await caller.refusal('ledger_header', { height: 9 });
    await caller.refusal('a'.repeat(1_000), {});
    assert.deepEqual(calls, [
      ['ledger_head', null, true],
      ['ledger_header', 'notFound', true],
      ['unknown', 'methodNotFound', true],
    ]);
  });

  it('names the first wrong field', async () => {
    const caller = callerOf(portsWith({}));
    const paths = async (method: string, params: unknown): Promise<string | undefined> =>
      (await caller.refusal(method, params)).data.path;
    assert.equal(await paths('rx_get', {}), 'rxId');
    assert.equal(await paths('ledger_header', { height: 1, hieght: 1 }), 'hieght');
    assert.equal(
      await paths('tx_submit', { payload: '0x00', signatures: [{ key: 1, sig: '' }] }),
      'signatures.0.key',
    );
    assert.equal(
      await paths('tx_build', { kind: 'fill.return', body: { rxId: '0x00', k: 0, reason: 'x' } }),
      'body.rxId',
    );
  });
});

describe('tx_submit', () => {
  it('tells a refusal before inclusion as an error, with what to try', async () => {
    const caller = callerOf(withTransactions({ submit: async () => refused('busy') }));
    const { code, data } = await caller.refusal('tx_submit', { transaction });
    assert.deepEqual(
      { code, data },
      {
        code: 1009,
        data: {
          name: 'busy',
          retry: 'sameTx',
          retryAfterMs: 500,
          hint: 'Send the same transaction again a little later.',
        },
      },
    );
  });

  it('does not wait when only acceptance is asked for', async () => {
    const txId = 'ab'.repeat(32) as never;
    const status = { txId, status: 'pending', receipt: null, notAfter: null } as const;
    const waitForReceipt = (): never => assert.fail('waited');
    const caller = callerOf(withTransactions({ submit: async () => accepted(status), waitForReceipt }));
    const result = await caller.call('tx_submit', { transaction, waitFor: 'accepted' });
    assert.deepEqual(result, {
      txId: `0x${'ab'.repeat(32)}`,
      status: 'pending',
      height: null,
      index: null,
      time: null,
      code: null,
      hint: null,
      notAfter: null,
    });
  });

  it('waits at most 60 s', async () => {
    const caller = callerOf(portsWith({}));
    const error = await caller.refusal('tx_submit', { transaction, timeoutMs: 60_001 });
    assert.deepEqual([error.data.name, error.data.path], ['invalidParams', 'timeoutMs']);
  });
});

describe('tx_sign', () => {
  it('signs nothing but a payload of this chain', async () => {
    const caller = callerOf(portsWith({}));
    const error = await caller.refusal('tx_sign', { practitioner: 'dr-zhang', payload: '0xa0' });
    assert.equal(error.data.name, 'malformed');
  });
});
