/** The bytes of a request's body as a JSON value: looked at first, parsed then. */
import type { ErrorName } from './errors.ts';
import { jsonDepthMax } from './limits.ts';
import { hasLoneSurrogate, scanJson } from './scan.ts';

export type ParsedBody =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly name: ErrorName };

/** Bytes of a body to a JSON value, looked at before it is parsed. */
export function parseBody(body: unknown): ParsedBody {
  if (!Buffer.isBuffer(body) || body.length === 0) return { ok: false, name: 'parseError' };
  const verdict = scanJson(body, jsonDepthMax);
  if (verdict !== 'ok') return { ok: false, name: verdict === 'tooDeep' ? 'depthExceeded' : 'parseError' };
  const text = body.toString('utf8');
  try {
    const value: unknown = JSON.parse(text);
    const isWhole = !/\\u[dD]/.test(text) || !hasLoneSurrogate(value);
    return isWhole ? { ok: true, value } : { ok: false, name: 'parseError' };
  } catch {
    return { ok: false, name: 'parseError' };
  }
}
