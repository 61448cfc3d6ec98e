/**
 * JSON-RPC and pushed events over WebSocket, on the listeners of server.ts and behind their guards. A subscription is a cursor: the
 * feed is read on from it as fast as the reader takes it, so a slow reader costs no memory and loses nothing.
 */
import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { createJSONRPCErrorResponse } from 'json-rpc-2.0';
import { WebSocketServer, type WebSocket } from 'ws';
import * as z from 'zod';
import { parseBody } from './body.ts';
import { refusal, type Dispatcher } from './dispatch.ts';
import { errorObject, fault, httpStatuses, type ErrorName } from './errors.ts';
import { formatCursor, parseCursor, type Cursor, type EventFilter } from './events.ts';
import { refuseCaller, type GuardRules } from './guard.ts';
import * as limits from './limits.ts';
import type { RpcContext } from './method.ts';
import { cursorJson, eventFilterJson, eventPageView } from './methods/event.ts';

export interface WebSockets {
  readonly close: () => void;
}

export interface WebSocketParts {
  readonly dispatch: Dispatcher;
  readonly context: RpcContext;
  readonly rules: GuardRules;
}

export function attachWebSockets(server: Server, parts: WebSocketParts): WebSockets {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: limits.bodyBytesMax });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const refused = refuseUpgrade(request, parts.rules, sockets.clients.size);
    if (refused !== null) {
      refuse(socket, refused);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => serve(webSocket, parts));
  });
  return {
    close: () => {
      for (const webSocket of sockets.clients) webSocket.terminate();
      sockets.close();
    },
  };
}

function refuseUpgrade(request: IncomingMessage, rules: GuardRules, socketCount: number): ErrorName | null {
  const refused = refuseCaller(request, rules);
  if (refused !== null) return refused;
  if (request.url !== '/') return 'pathUnknown';
  return socketCount >= limits.webSocketsMax ? 'overloaded' : null;
}

function refuse(socket: Duplex, name: ErrorName): void {
  const status = httpStatuses[name] ?? 400;
  const body = JSON.stringify(refusal(name).body);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** One connection: its subscriptions, and how many of its messages are being answered. */
interface Session {
  readonly webSocket: WebSocket;
  readonly parts: WebSocketParts;
  readonly subscriptions: Map<string, { readonly filter: EventFilter }>;
  subscriptionsMade: number;
  messagesInFlight: number;
}

function serve(webSocket: WebSocket, parts: WebSocketParts): void {
  const session: Session = {
    webSocket,
    parts,
    subscriptions: new Map(),
    subscriptionsMade: 0,
    messagesInFlight: 0,
  };
  webSocket.on('error', () => webSocket.terminate());
  webSocket.on('close', () => session.subscriptions.clear());
  webSocket.on('message', (data) => {
    session.messagesInFlight += 1;
    // A reader that does not read its answers is not read either.
    if (session.messagesInFlight >= limits.batchLengthMax) webSocket.pause();
    answerMessage(session, Buffer.isBuffer(data) ? data : Buffer.alloc(0))
      .catch((error: unknown) => parts.context.ports.onInternalError('webSocket', error))
      .finally(() => {
        session.messagesInFlight -= 1;
        webSocket.resume();
      });
  });
}

async function answerMessage(session: Session, data: Buffer): Promise<void> {
  const parsed = parseBody(data);
  if (!parsed.ok) return send(session, refusal(parsed.name).body);
  const local = subscriptionSchema.safeParse(parsed.value);
  if (local.success) return answerSubscription(session, local.data);
  const { body } = await session.parts.dispatch.answer(parsed.value);
  return body === null ? undefined : send(session, body);
}

/** Resolves when the bytes have left for the kernel, or never will. */
function send({ webSocket }: Session, value: unknown): Promise<void> {
  return new Promise((resolve) => {
    if (webSocket.readyState === webSocket.OPEN) webSocket.send(JSON.stringify(value), () => resolve());
    else resolve();
  });
}

const subscriptionSchema = z.object({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string(), z.number()]),
  method: z.enum(['event_subscribe', 'event_unsubscribe']),
  params: z.unknown().optional(),
});

const subscribeParams = z.strictObject({
  cursor: cursorJson.nullable().default(null),
  filter: eventFilterJson.default({ kinds: null, subject: null }),
});

const unsubscribeParams = z.strictObject({ subscription: z.string().max(32) });

async function answerSubscription(session: Session, call: z.infer<typeof subscriptionSchema>): Promise<void> {
  if (call.method === 'event_unsubscribe') {
    const params = unsubscribeParams.safeParse(call.params ?? {});
    if (!params.success) return sendError(session, call.id, 'invalidParams');
    const ended = session.subscriptions.delete(params.data.subscription);
    return send(session, { jsonrpc: '2.0', id: call.id, result: { ended } });
  }
  const params = subscribeParams.safeParse(call.params ?? {});
  if (!params.success) return sendError(session, call.id, 'invalidParams');
  const { cursor, filter } = params.data;
  const start = cursor === null ? session.parts.context.feed.end() : parseCursor(cursor);
  if (start === null) return sendError(session, call.id, 'invalidParams');
  if (session.subscriptions.size >= limits.subscriptionsPerSocketMax) {
    return sendError(session, call.id, 'overloaded');
  }
  session.subscriptionsMade += 1;
  const subscription = `s${session.subscriptionsMade}`;
  session.subscriptions.set(subscription, { filter });
  await send(session, { jsonrpc: '2.0', id: call.id, result: { subscription, cursor: formatCursor(start) } });
  pump(session, subscription, start).catch((error: unknown) => {
    session.parts.context.ports.onInternalError('event_subscribe', error);
    session.webSocket.terminate();
  });
  return undefined;
}

function sendError(session: Session, id: string | number, name: ErrorName): Promise<void> {
  const { code, message, data } = errorObject(fault(name).refusal);
  return send(session, createJSONRPCErrorResponse(id, code, message, data));
}

/** Reads on from the cursor until the subscription ends; one page is on its way at a time. */
async function pump(session: Session, subscription: string, start: Cursor): Promise<void> {
  const { feed } = session.parts.context;
  let cursor = start;
  while (!feed.isClosed()) {
    const filter = session.subscriptions.get(subscription)?.filter;
    if (filter === undefined) return;
    const page = await feed.read(cursor, filter, limits.pageItemsMax);
    cursor = page.next;
    if (page.events.length > 0 || page.isLagged) {
      const params = { subscription, ...eventPageView(page) };
      await send(session, { jsonrpc: '2.0', method: 'event', params });
      continue;
    }
    const isBehind = cursor.height <= page.asOfHeight;
    if (isBehind) {
      await new Promise((resolve) => setImmediate(resolve));
    } else if (!(await feed.wait(limits.eventWaitMsMax))) {
      session.webSocket.close(1013, 'overloaded');
      return;
    }
  }
}
