/** What the disk did to us. Thrown, and caught at one border: the node stops voting and says so (W7). */
import { BrokenInvariant } from '../../protocol/invariant.ts';

/**
 * `corrupt`: bytes that we did not write; `io`: the disk reports an error; `missing`: what must be there is not; `locked`:
 * another process has it; `full`: no space; `exists`: create found something; `foreign`: another chain's or key's;
 * `behind`: older than its anchor; `partial`: a restore that did not come to its end.
 */
export type StorageFailureCode =
  'corrupt' | 'io' | 'missing' | 'locked' | 'full' | 'exists' | 'foreign' | 'behind' | 'partial';

/** After a failed write its outcome is unknown: nothing is written again before a restart (W7). */
export class StorageFailure extends Error {
  override readonly name = 'StorageFailure';
  readonly code: StorageFailureCode;

  constructor(code: StorageFailureCode, message: string, cause: unknown = null) {
    super(message, { cause });
    this.code = code;
  }
}

// LevelDB 1.20 tells errors apart by their text only; classic-level gives codes to a few of them.
const signs: readonly (readonly [RegExp, StorageFailureCode])[] = [
  [/ENOSPC|EDQUOT|No space left|quota exceeded/i, 'full'],
  [/LEVEL_LOCKED/, 'locked'],
  [/LEVEL_CORRUPTION|Corruption:/, 'corrupt'],
  [/create_if_missing is false|ENOENT/, 'missing'],
  [/error_if_exists is true|EEXIST/, 'exists'],
];

/**
 * The failure that an error of the file system or of LevelDB stands for. `doing` ends the sentence "failed to ...". A broken
 * invariant is no failure: it is thrown on.
 */
export function storageFailure(error: unknown, doing: string): StorageFailure {
  if (error instanceof BrokenInvariant) throw error;
  if (error instanceof StorageFailure) return error;
  const text = causesOf(error).join(' ');
  const code = signs.find(([sign]) => sign.test(text))?.[1] ?? 'io';
  return new StorageFailure(code, `failed to ${doing}`, error);
}

const causesMax = 8;

function causesOf(error: unknown): readonly string[] {
  const texts: string[] = [];
  let cause = error;
  while (cause instanceof Error && texts.length < 2 * causesMax) {
    texts.push('code' in cause ? String(cause.code) : '', cause.message);
    cause = cause.cause;
  }
  return texts;
}
