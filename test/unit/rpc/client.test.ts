/** The typed client against a real server on a unix socket. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, RpcError, type RpcClient } from '../../../node/rpc/client.ts';
import { startRpcServer, type RpcServer } from '../../../node/rpc/server.ts';
import { memoryChain, memoryPorts } from './memoryNode.ts';

const head = { height: 0, digest: null, time: null };
const unknownRx = `0x${'00'.repeat(16)}`;

describe('the client', () => {
  let folder = '';
  let server: RpcServer;
  let client: RpcClient;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rpc-'));
    const tokenPath = join(folder, 'token');
    server = await startRpcServer({
      ports: memoryPorts(memoryChain()),
      socketPath: join(folder, 'rpc.sock'),
      http: { host: '127.0.0.1', port: 0, tokenPath, allowHosts: [], allowOrigins: [] },
      ops: null,
    });
    client = connect({ socketPath: join(folder, 'rpc.sock') });
  });

  after(async () => {
    client.close();
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it('calls a method by its name', async () => {
    assert.deepEqual(await client.call('ledger_head', {}), head);
    assert.deepEqual(await client.methods.ledger_head(), head);
  });

  it('calls over HTTP with the token', async () => {
    const token = readFileSync(join(folder, 'token'), 'utf8').trim();
    const overHttp = connect({ url: `http://127.0.0.1:${server.httpPort ?? 0}`, token });
    assert.deepEqual(await overHttp.methods.ledger_head(), head);
    overHttp.close();
  });

  it('rejects with the refusal of the node and its hint', async () => {
    const isRefusal = (error: unknown): boolean =>
      error instanceof RpcError &&
      error.errorName === 'prescriptionUnknown' &&
      error.code === 1021 &&
      error.data?.retry === 'newTx' &&
      error.data.path === 'rxId';
    await assert.rejects(client.methods.rx_get({ rxId: unknownRx }), isRefusal);
  });

  it('rejects with the refusal of the listener', async () => {
    const stranger = connect({ url: `http://127.0.0.1:${server.httpPort ?? 0}`, token: 'wrong' });
    const isRefusal = (error: unknown): boolean =>
      error instanceof RpcError && error.errorName === 'unauthorized';
    await assert.rejects(stranger.methods.ledger_head(), isRefusal);
    await assert.rejects(stranger.batch([{ method: 'ledger_head', params: {} }]), isRefusal);
    stranger.close();
  });

  it('gives the answers of a batch in the order of its calls', async () => {
    const answers = await client.batch([
      { method: 'ledger_head', params: {} },
      { method: 'rx_get', params: { rxId: unknownRx } },
      { method: 'ledger_head', params: {} },
    ]);
    assert.deepEqual(
      answers.map((answer) => (answer.ok ? answer.result : answer.error.errorName)),
      [head, 'prescriptionUnknown', head],
    );
    assert.deepEqual(await client.batch([]), []);
  });

  it('says so when nobody listens, and when the node does not answer in time', async () => {
    const nobody = connect({ socketPath: join(folder, 'none.sock') });
    await assert.rejects(nobody.methods.ledger_head(), /cannot be reached/);
    nobody.close();
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(join(folder, 'silent.sock'), resolve));
    const hasty = connect({ socketPath: join(folder, 'silent.sock') }, { timeoutMs: 20 });
    await assert.rejects(hasty.methods.ledger_head(), (error: Error) => /20 ms/.test(String(error.cause)));
    hasty.close();
    silent.closeAllConnections();
    silent.close();
  });

  it('says so when something else than JSON answers', async () => {
    const other = createServer((_request, response) => response.end('<html>'));
    await new Promise<void>((resolve) => other.listen(join(folder, 'other.sock'), resolve));
    const astray = connect({ socketPath: join(folder, 'other.sock') });
    await assert.rejects(astray.methods.ledger_head(), /not JSON/);
    astray.close();
    other.close();
  });
});
