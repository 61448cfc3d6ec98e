/** Who may speak at all: checked on the headers alone, before a byte of the body is read. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { ErrorName } from './errors.ts';

export interface GuardRules {
  /** Exact values of the Host header; null where no browser can reach (a unix socket). */
  readonly hosts: ReadonlySet<string> | null;
  /** Exact values of the Origin header that are let in; every other one is refused, wherever it comes from. */
  readonly origins: ReadonlySet<string>;
  /** Null: no token is asked for. */
  readonly token: string | null;
}

type Headers = Pick<IncomingMessage, 'headers'>;

/** The refusal, or null. */
export function refuseCaller({ headers }: Headers, rules: GuardRules): ErrorName | null {
  if (rules.hosts !== null && !rules.hosts.has((headers.host ?? '').toLowerCase())) return 'hostRefused';
  if (headers.origin !== undefined && !rules.origins.has(headers.origin)) return 'originRefused';
  if (rules.token !== null && !hasToken(headers.authorization, rules.token)) return 'unauthorized';
  return null;
}

/** The refusal of a call over HTTP, or null. A form can send neither this verb with this type, nor without being asked first. */
export function refuseRequest({
  method,
  headers,
}: Pick<IncomingMessage, 'method' | 'headers'>): ErrorName | null {
  if (method !== 'POST') return 'verbRefused';
  return isJson(headers['content-type']) ? null : 'contentTypeRefused';
}

function isJson(contentType: string | undefined): boolean {
  return /^application\/json[ \t]*(;[ \t]*charset="?utf-8"?[ \t]*)?$/i.test(contentType ?? '');
}

/** Compares hashes, so neither the length nor the first wrong character shows in the time it takes. */
function hasToken(authorization: string | undefined, token: string): boolean {
  const given = /^Bearer ([\x21-\x7e]{1,256})$/.exec(authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
