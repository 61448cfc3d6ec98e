/** Node's own SHA-256 for every hash of the protocol: the same digests in a half to a fifth of the time. */
import { hash } from 'node:crypto';
import { useHostSha256 } from '../protocol/hash.ts';

/** For the whole process, before it does its work. */
export function useNativeSha256(): void {
  useHostSha256((bytes, as) => hash('sha256', bytes, as));
}
