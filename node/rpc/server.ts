/**
 * The JSON-RPC server: on a unix socket, and on loopback HTTP if asked for, with the same guards and limits. /metrics, /livez and
 * /readyz are answered beside it. Every listener is one Fastify instance; what is said is decided in dispatch.ts.
 */
import { chmod } from 'node:fs/promises';
import { fastify, type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import { parseBody } from './body.ts';
import { dispatcher, refusal, type Answer, type Dispatcher } from './dispatch.ts';
import { httpStatuses, type ErrorName } from './errors.ts';
import { eventFeed } from './events.ts';
import { refuseCaller, refuseRequest, type GuardRules } from './guard.ts';
import * as limits from './limits.ts';
import type { RpcContext } from './method.ts';
import { methods } from './methods.ts';
import type { OpsPort, RpcPorts } from './ports.ts';
import { loadToken } from './tokenFile.ts';
import { prepareSocketPath } from './unixSocket.ts';
import { attachWebSockets, type WebSockets } from './webSocket.ts';
import { turnstile } from './turnstile.ts';
import { writeMemory } from './writeMemory.ts';

export interface HttpOptions {
  /** `127.0.0.1`, `::1` or `localhost`; 0 takes a free port. */
  readonly host: string;
  readonly port: number;
  /** Made with a random token if there is none. */
  readonly tokenPath: string;
  /** Host headers that are let in besides the listener's own address, for example `ledger.example:8645`. */
  readonly allowHosts: readonly string[];
  readonly allowOrigins: readonly string[];
}

export interface RpcServerOptions {
  readonly ports: RpcPorts;
  readonly socketPath: string | null;
  readonly http: HttpOptions | null;
  /** A listener for /metrics, /livez and /readyz alone, without a token. */
  readonly ops: { readonly host: string; readonly port: number } | null;
}

export interface RpcServer {
  /** The port in use, or null without that listener. */
  readonly httpPort: number | null;
  readonly opsPort: number | null;
  /** Refuses new calls, answers who waits for events, closes every connection. */
  readonly close: () => Promise<void>;
}

const loopbackHosts: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);

interface Parts {
  readonly dispatch: Dispatcher;
  readonly context: RpcContext;
}

/** Opens the listeners. Throws if one cannot be opened; then none stays open. */
export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const { ports, http, ops, socketPath } = options;
  const context: RpcContext = {
    ports,
    feed: eventFeed(ports.ledger),
    writes: writeMemory(),
    looks: turnstile(limits.looksMax),
  };
  const parts: Parts = { context, dispatch: dispatcher(methods, context) };
  const apps: FastifyInstance[] = [];
  const sockets: WebSockets[] = [];
  const close = async (): Promise<void> => {
    context.feed.close();
    for (const each of sockets) each.close();
    await Promise.all(apps.map((app) => app.close()));
  };
  const open = (rules: GuardRules): FastifyInstance => {
    const app = rpcApp(parts, rules);
    apps.push(app);
    sockets.push(attachWebSockets(app.server, { ...parts, rules }));
    return app;
  };
  try {
    if (socketPath !== null) await listenOnSocket(open(socketRules), socketPath);
    const httpPort = http === null ? null : await listenOnLoopback(http, open);
    const opsApp = ops === null ? null : opsOnlyApp(ports.ops);
    if (opsApp !== null) apps.push(opsApp);
    const opsPort = opsApp === null || ops === null ? null : await listen(opsApp, ops);
    return { httpPort, opsPort, close };
  } catch (error) {
    await close();
    throw new Error('the JSON-RPC server cannot listen', { cause: error });
  }
}

// No browser speaks to a unix socket, and its file mode says who may.
const socketRules: GuardRules = { hosts: null, origins: new Set(), token: null };

async function listenOnSocket(app: FastifyInstance, path: string): Promise<void> {
  await prepareSocketPath(path);
  await app.listen({ path });
  await chmod(path, 0o600);
}

async function listenOnLoopback(
  options: HttpOptions,
  open: (rules: GuardRules) => FastifyInstance,
): Promise<number> {
  const { host, port, allowHosts, allowOrigins } = options;
  if (!loopbackHosts.has(host)) throw new Error(`JSON-RPC listens on loopback only, not on ${host}`);
  const token = await loadToken(options.tokenPath);
  const hosts = new Set(allowHosts.map((name) => name.toLowerCase()));
  const listening = await listen(open({ hosts, origins: new Set(allowOrigins), token }), { host, port });
  // Known only now when the port was free to choose; the set is read at each request.
  for (const name of ['127.0.0.1', 'localhost', '[::1]']) hosts.add(`${name}:${listening}`);
  return listening;
}

async function listen(
  app: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<number> {
  await app.listen({ host, port });
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

function bareApp(): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.receiveTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    http: { maxHeaderSize: limits.headerBytesMax },
  });
  app.server.maxConnections = limits.connectionsMax;
  app.setErrorHandler((error: FastifyError, _request, reply) => send(reply, refusal(errorNameOf(error))));
  app.setNotFoundHandler((_request, reply) => send(reply, refusal('pathUnknown')));
  return app;
}

function rpcApp({ dispatch, context }: Parts, rules: GuardRules): FastifyInstance {
  const app = bareApp();
  app.addHook('onRequest', async (request, reply) => {
    const refused =
      refuseCaller(request.raw, rules) ?? (request.url === '/' ? refuseRequest(request.raw) : null);
    if (refused === null) return undefined;
    // The rest of the body is not worth reading.
    return send(reply.header('connection', 'close'), refusal(refused));
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  app.route({
    method: ['POST', 'GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url: '/',
    handler: async (request, reply) => {
      const parsed = parseBody(request.body);
      const answer = parsed.ok ? await dispatch.answer(parsed.value) : refusal(parsed.name);
      return send(reply, answer);
    },
  });
  addOpsRoutes(app, context.ports.ops);
  return app;
}

function opsOnlyApp(ops: OpsPort): FastifyInstance {
  const app = bareApp();
  app.addHook('onRequest', async (request, reply) => {
    return request.headers.origin === undefined ? undefined : send(reply, refusal('originRefused'));
  });
  addOpsRoutes(app, ops);
  return app;
}

function addOpsRoutes(app: FastifyInstance, ops: OpsPort): void {
  app.get('/livez', (_request, reply) => reply.code(ops.live() ? 200 : 503).send({ live: ops.live() }));
  app.get('/readyz', (_request, reply) => {
    const ready = ops.ready();
    return reply.code(ready.ok ? 200 : 503).send(ready);
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await ops.metrics()),
  );
}

function send(reply: FastifyReply, { status, body }: Answer): FastifyReply {
  if (body === null) return reply.code(204).send();
  return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify(body));
}

/** Fastify's own refusals by their status; anything else is ours and stays inside. */
function errorNameOf(error: FastifyError): ErrorName {
  const found = Object.entries(httpStatuses).find(([, status]) => status === error.statusCode);
  return found === undefined ? 'internalError' : (found[0] as ErrorName);
}
