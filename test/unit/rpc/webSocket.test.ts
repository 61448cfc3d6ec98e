/** Events pushed over WebSocket, on the unix socket of a real server. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { subscriptionsPerSocketMax, webSocketsMax } from '../../../node/rpc/limits.ts';
import { startRpcServer, type RpcServer } from '../../../node/rpc/server.ts';
import { noon } from '../../support/chain.ts';
import { memberOn } from './caller.ts';
import { memoryChain, memoryPorts, type MemoryChain } from './memoryNode.ts';

interface Message {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly data: { readonly name: string } };
  readonly params?: { readonly subscription: string; readonly items: readonly { readonly cursor: string }[] };
}

/** A socket whose messages are taken one by one, in their order. */
class Session {
  readonly #socket: WebSocket;
  readonly #messages: Message[] = [];
  #wake = (): void => {};

  constructor(path: string) {
    this.#socket = new WebSocket(`ws+unix://${path}:/`);
    this.#socket.on('message', (data: Buffer) => {
      this.#messages.push(JSON.parse(data.toString()) as Message);
      this.#wake();
    });
  }

  async send(method: string, params: unknown, id = 1): Promise<void> {
    if (this.#socket.readyState !== WebSocket.OPEN) {
      await new Promise((resolve) => this.#socket.once('open', resolve));
    }
    this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  }

  async next(): Promise<Message> {
    while (this.#messages.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#messages.shift() ?? {};
  }

  async ask(method: string, params: unknown): Promise<Message> {
    await this.send(method, params);
    return this.next();
  }

  close(): void {
    this.#socket.terminate();
  }
}

function issue(chain: MemoryChain): Promise<unknown> {
  return memberOn(chain, 'hospital').call('rx_issue', {
    practitioner: 'dr-zhang',
    class: 'ordinary',
    validUntil: new Date(noon + 86_400_000).toISOString(),
    items: [{ itemId: 1, units: 30, repeats: 0, intervalDays: 0, substitutionAllowed: false }],
    documents: [{ resourceType: 'MedicationRequest' }],
  });
}

describe('a WebSocket', () => {
  let folder = '';
  let chain: MemoryChain;
  let server: RpcServer;
  let session: Session;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rpc-'));
    const socketPath = join(folder, 'rpc.sock');
    chain = memoryChain();
    server = await startRpcServer({ ports: memoryPorts(chain), socketPath, http: null, ops: null });
    session = new Session(socketPath);
  });

  afterEach(async () => {
    session.close();
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it('answers the calls that HTTP answers', async () => {
    const { result } = await session.ask('ledger_head', {});
    assert.deepEqual(result, { height: 0, digest: null, time: null });
  });

  it('gets what has happened since its cursor, and what happens then', async () => {
    await issue(chain);
    const { result } = await session.ask('event_subscribe', { cursor: '0.0' });
    assert.deepEqual(result, { subscription: 's1', cursor: '0.0' });
    const past = await session.next();
    await issue(chain);
    const present = await session.next();
    const told = [past, present].map(({ params }) => [
      params?.subscription,
      params?.items.map(({ cursor }) => cursor),
    ]);
    assert.deepEqual(told, [
      ['s1', ['1.0']],
      ['s1', ['2.0']],
    ]);
  });

  it('gets nothing more of a subscription that it has ended', async () => {
    await session.ask('event_subscribe', {});
    const { result } = await session.ask('event_unsubscribe', { subscription: 's1' });
    await issue(chain);
    const after = await session.ask('ledger_head', {});
    assert.deepEqual([result, after.params], [{ ended: true }, undefined]);
  });

  it('is refused one subscription too many', async () => {
    for (let count = 0; count < subscriptionsPerSocketMax; count += 1)
      await session.ask('event_subscribe', {});
    const { error } = await session.ask('event_subscribe', {});
    assert.equal(error?.data.name, 'overloaded');
  });

  it('is refused when it is one too many', async () => {
    const path = join(folder, 'rpc.sock');
    const others = Array.from({ length: webSocketsMax - 1 }, () => new Session(path));
    await session.ask('ledger_head', {});
    for (const other of others) await other.ask('ledger_head', {});
    const refused = new WebSocket(`ws+unix://${path}:/`);
    const message = await new Promise((resolve) => refused.once('error', (error) => resolve(error.message)));
    assert.equal(message, 'Unexpected server response: 503');
    for (const other of others) other.close();
  });

  it('is refused what is no JSON of ours, like any other caller', async () => {
    const { error } = await session.ask('event_subscribe', { cursor: 'x' });
    assert.equal(error?.data.name, 'invalidParams');
    await session.send('a', [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]);
    assert.equal((await session.next()).error?.data.name, 'depthExceeded');
  });
});
