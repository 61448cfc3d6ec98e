/** The guards of the JSON-RPC server over real HTTP: who may not speak is told so, with a code, and the node is none the worse. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { startRpcServer, type RpcServer } from '../../../node/rpc/server.ts';
import { memoryChain, memoryPorts } from '../../unit/rpc/memoryNode.ts';
import { rawRequest, type RawAnswer, type RawRequest } from './rawRequest.ts';

const call = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ledger_head', params: {} });

describe('the HTTP listener', () => {
  let folder = '';
  let server: RpcServer;
  let port = 0;
  let token = '';

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rpc-'));
    server = await startRpcServer({
      ports: memoryPorts(memoryChain()),
      socketPath: null,
      http: {
        host: '127.0.0.1',
        port: 0,
        tokenPath: join(folder, 'secrets', 'token'),
        allowHosts: ['ledger.example'],
        allowOrigins: ['https://desk.example'],
      },
      ops: { host: '127.0.0.1', port: 0 },
    });
    port = server.httpPort ?? 0;
    token = readFileSync(join(folder, 'secrets', 'token'), 'utf8').trim();
  });

  after(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  function send(input: RawRequest): Promise<RawAnswer> {
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      ...input.headers,
    };
    return rawRequest({ port, body: call, ...input, headers });
  }

  // Every test ends here: whatever was sent, the node answers the next call.
  afterEach(async () => {
    const { status, code } = await send({});
    assert.deepEqual({ status, code }, { status: 200, code: null });
  });

  function itRefuses(
    what: string,
    input: RawRequest,
    expected: { readonly status: number; readonly code: number; readonly name: string },
  ): void {
    it(`refuses ${what}`, async () => {
      const { status, code, name } = await send(input);
      assert.deepEqual({ status, code, name }, expected);
    });
  }

  const hostRefused = { status: 403, code: -32011, name: 'hostRefused' };
  itRefuses(
    'a foreign Host, as of a name rebound to loopback',
    { headers: { host: 'evil.example' } },
    hostRefused,
  );
  itRefuses(
    'a Host that only begins like its own',
    { headers: { host: '127.0.0.1.evil.example' } },
    hostRefused,
  );
  itRefuses('a Host of its own name with another port', { headers: { host: 'localhost:1' } }, hostRefused);

  const originRefused = { status: 403, code: -32012, name: 'originRefused' };
  itRefuses('an Origin', { headers: { origin: 'https://evil.example' } }, originRefused);
  itRefuses('the Origin null of a sandboxed page', { headers: { origin: 'null' } }, originRefused);

  const unauthorized = { status: 401, code: -32010, name: 'unauthorized' };
  itRefuses('a wrong token', { headers: { authorization: 'Bearer 00' } }, unauthorized);
  itRefuses('a missing token', { headers: { authorization: '' } }, unauthorized);
  itRefuses('another scheme of authorization', { headers: { authorization: `Basic 00` } }, unauthorized);

  const verbRefused = { status: 405, code: -32013, name: 'verbRefused' };
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS'])
    itRefuses(method, { method, body: '' }, verbRefused);

  const contentTypeRefused = { status: 415, code: -32014, name: 'contentTypeRefused' };
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json-patch+json', '']) {
    itRefuses(`the content type '${type}'`, { headers: { 'content-type': type } }, contentTypeRefused);
  }

  itRefuses('another path', { path: '/rpc' }, { status: 404, code: -32018, name: 'pathUnknown' });

  const bodyTooLarge = { status: 413, code: -32015, name: 'bodyTooLarge' };
  itRefuses('a megabyte of [', { body: '['.repeat(1_048_576) }, bodyTooLarge);
  itRefuses('a body one byte over the limit', { body: Buffer.alloc(262_145, ' ') }, bodyTooLarge);

  const depthExceeded = { status: 400, code: -32016, name: 'depthExceeded' };
  itRefuses('as many [ as a body may hold', { body: '['.repeat(262_144) }, depthExceeded);
  itRefuses('33 nested arrays', { body: `${'['.repeat(33)}${']'.repeat(33)}` }, depthExceeded);

  const parseError = { status: 400, code: -32700, name: 'parseError' };
  itRefuses('no body', { body: '' }, parseError);
  itRefuses('half a value', { body: '{"jsonrpc":' }, parseError);
  itRefuses('a key twice', { body: '{"jsonrpc":"2.0","id":1,"id":2,"method":"ledger_head"}' }, parseError);
  itRefuses('a key twice in two spellings', { body: '{"a":1,"\\u0061":2}' }, parseError);
  itRefuses('__proto__ as a key', { body: '{"__proto__":{"x":1}}' }, parseError);
  itRefuses('half a surrogate pair', { body: '{"jsonrpc":"2.0","id":"\\ud800","method":"x"}' }, parseError);
  itRefuses('bytes that are no UTF-8', { body: Buffer.from([0x22, 0xff, 0x22]) }, parseError);

  const batchTooLong = { status: 400, code: -32017, name: 'batchTooLong' };
  itRefuses('a batch of 51', { body: `[${Array(51).fill(call).join(',')}]` }, batchTooLong);
  itRefuses('an empty batch', { body: '[]' }, batchTooLong);

  const ok = (code: number, name: string) => ({ status: 200, code, name });
  const rpc = (method: string, params: unknown): RawRequest => ({
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  itRefuses('a value that is no call', { body: '7' }, ok(-32600, 'invalidRequest'));
  itRefuses(
    'a call without a version',
    { body: '{"id":1,"method":"ledger_head"}' },
    ok(-32600, 'invalidRequest'),
  );
  itRefuses('an unknown method', rpc('ledger_drop', {}), ok(-32601, 'methodNotFound'));
  itRefuses(
    'the name of a property of objects as a method',
    rpc('constructor', {}),
    ok(-32601, 'methodNotFound'),
  );
  itRefuses('parameters by position', rpc('ledger_header', [1]), ok(-32602, 'invalidParams'));
  itRefuses(
    'an unknown parameter',
    rpc('ledger_header', { height: 1, hieght: 1 }),
    ok(-32602, 'invalidParams'),
  );
  itRefuses('a fraction for a height', rpc('ledger_header', { height: 1.5 }), ok(-32602, 'invalidParams'));
  itRefuses('an unsafe integer', rpc('ledger_header', { height: 2 ** 53 }), ok(-32602, 'invalidParams'));
  itRefuses(
    'hex in capitals',
    rpc('tx_status', { txId: `0x${'AB'.repeat(32)}` }),
    ok(-32602, 'invalidParams'),
  );
  itRefuses(
    'bytes that are no transaction',
    rpc('tx_submit', { transaction: '0x00' }),
    ok(1000, 'malformed'),
  );

  it('accepts 32 nested arrays and 50 calls', async () => {
    const deep = await send({ body: `${'['.repeat(32)}${']'.repeat(32)}` });
    assert.equal(deep.status, 200);
    const many = await send({ body: `[${Array(50).fill(call).join(',')}]` });
    assert.equal((JSON.parse(many.body) as readonly unknown[]).length, 50);
  });

  it('lets in the hosts and origins that are listed', async () => {
    const { status } = await send({ headers: { host: 'ledger.example', origin: 'https://desk.example' } });
    assert.equal(status, 200);
  });

  it('keeps its token from all but the owner', () => {
    assert.equal(statSync(join(folder, 'secrets', 'token')).mode & 0o777, 0o600);
  });

  it('refuses a WebSocket without the token, and one from a page', async () => {
    const refused = async (headers: Record<string, string>): Promise<string> => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers });
      return new Promise((resolve) => socket.on('error', (error) => resolve(error.message)));
    };
    assert.equal(await refused({}), 'Unexpected server response: 401');
    const page = { authorization: `Bearer ${token}`, origin: 'https://evil.example' };
    assert.equal(await refused(page), 'Unexpected server response: 403');
  });

  it('answers metrics, life and readiness beside the calls, and refuses them to a page', async () => {
    const read = async (path: string, headers = {}): Promise<readonly [number, string]> => {
      const answer = await rawRequest({ port: server.opsPort ?? 0, method: 'GET', path, headers });
      return [answer.status, answer.body];
    };
    assert.deepEqual(await read('/metrics'), [200, 'rxledger_height 0\n']);
    assert.deepEqual(await read('/livez'), [200, '{"live":true}']);
    assert.deepEqual(await read('/readyz'), [200, '{"ok":true,"reasons":[]}']);
    assert.equal((await read('/metrics', { origin: 'https://evil.example' }))[0], 403);
    assert.equal((await read('/'))[0], 404);
  });
});

describe('the server', () => {
  let folder = '';

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rpc-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const http = { host: '127.0.0.1', port: 0, allowHosts: [], allowOrigins: [] };
  const start = (options: {
    readonly socketPath?: string;
    readonly host?: string;
    readonly tokenPath?: string;
  }) =>
    startRpcServer({
      ports: memoryPorts(memoryChain()),
      socketPath: options.socketPath ?? null,
      http:
        options.tokenPath === undefined
          ? null
          : { ...http, host: options.host ?? http.host, tokenPath: options.tokenPath },
      ops: null,
    });
  const causeOf = (error: unknown): string => String(error instanceof Error ? error.cause : error);

  it('opens its socket to the owner alone', async () => {
    const socketPath = join(folder, 'run', 'rpc.sock');
    const server = await start({ socketPath });
    const modes = [statSync(socketPath).mode & 0o777, statSync(join(folder, 'run')).mode & 0o777];
    const { status } = await rawRequest({
      socketPath,
      body: call,
      headers: { 'content-type': 'application/json' },
    });
    await server.close();
    assert.deepEqual({ modes, status }, { modes: [0o600, 0o700], status: 200 });
  });

  it('replaces a socket that nobody listens on, and leaves one that is in use', async () => {
    const socketPath = join(folder, 'rpc.sock');
    const first = await start({ socketPath });
    await assert.rejects(start({ socketPath }), (error) => /another process listens/.test(causeOf(error)));
    const { status } = await rawRequest({
      socketPath,
      body: call,
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(status, 200);
    await first.close();
    await (await start({ socketPath })).close();
  });

  it('does not remove a file that has the name of its socket', async () => {
    const socketPath = join(folder, 'rpc.sock');
    writeFileSync(socketPath, 'letters');
    await assert.rejects(start({ socketPath }), (error) => /is no socket/.test(causeOf(error)));
    assert.equal(readFileSync(socketPath, 'utf8'), 'letters');
  });

  it('listens on loopback only', async () => {
    const tokenPath = join(folder, 'token');
    await assert.rejects(start({ host: '0.0.0.0', tokenPath }), (error) =>
      /loopback only/.test(causeOf(error)),
    );
  });

  it('does not use a token that others can read', async () => {
    const tokenPath = join(folder, 'token');
    mkdirSync(folder, { recursive: true });
    writeFileSync(tokenPath, 'a-token-of-the-operator');
    chmodSync(tokenPath, 0o644);
    await assert.rejects(start({ tokenPath }), (error) => /must have mode 0600/.test(causeOf(error)));
  });
});
