/** Extensions (consensus/README.md, V3): blocks that only help their closing block to finality, and change nothing. */
import { batchesRoot, type Header } from '../protocol/block.ts';
import type { Execution } from '../protocol/ledger.ts';
import { receiptsRoot } from '../protocol/receipt.ts';

/** What the "execution" of an extension gives: nothing happened, and the state is that after the closing block. */
export function extensionExecution(closing: Header): Execution {
  return {
    receipts: [],
    receiptBytes: [],
    receiptsRoot: receiptsRoot([]),
    stateRoot: closing.stateRoot,
    writes: { records: new Map(), pages: new Map(), seen: [] },
    nextVoterSet: null,
    subjects: [],
    origins: [],
  };
}

/** The field in which a header is no extension of this closing block; null if it is one. Its time is judged against its parent. */
export function extensionFault(header: Header, closing: Header): string | null {
  if (closing.nextVoterSet === null) return 'extensionOf';
  if (header.nextVoterSet !== null) return 'nextVoterSet';
  if (header.height !== closing.height) return 'height';
  if (header.timeMs <= closing.timeMs) return 'timeMs';
  if (header.batchesRoot !== batchesRoot([])) return 'batchesRoot';
  const { stateRoot, receiptsRoot: root } = extensionExecution(closing);
  if (header.receiptsRoot !== root) return 'receiptsRoot';
  return header.stateRoot === stateRoot ? null : 'stateRoot';
}
