/** What this node does not hold: either it never was, or it stands below the snapshot that the node joined from. */
import { fault, type Fault } from './errors.ts';
import type { LedgerPort } from './ports.ts';

/** True on a node that cannot know what stands below its lowest block. */
export function isHistoryCut(ledger: Pick<LedgerPort, 'heightMin'>): boolean {
  return ledger.heightMin() > 1;
}

/** `notFound`, unless this node cannot know. `path` is the parameter that named it. */
export function notHeld(
  ledger: Pick<LedgerPort, 'heightMin'>,
  path: string,
): { readonly ok: false; readonly refusal: Fault } {
  return fault(isHistoryCut(ledger) ? 'historyMissing' : 'notFound', path);
}
