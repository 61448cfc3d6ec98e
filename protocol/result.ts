/** The two outcomes of a check. A refusal is an expected answer to somebody's input, so it is a value. */
import type { Refusal, RefusalCode } from './refusal.ts';

export type Result<T, E = Refusal> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: E };

export function accepted<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

/** `detail` names a field or a limit; it never holds a value that somebody sent, so never a patient's data. */
export function refused(
  code: RefusalCode,
  detail: string | null = null,
): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal: { code, detail } };
}
