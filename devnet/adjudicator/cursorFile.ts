/** Where the adjudicator has read to: a file that is replaced as a whole, so that a crash leaves the place before or the place after. */
import { existsSync } from 'node:fs';
import * as z from 'zod';
import { utf8ToBytes } from '../../protocol/bytes.ts';
import { accepted, type Result } from '../../protocol/result.ts';
import { readText, parseJson } from '../../node/home.ts';
import { systemDisk } from '../../node/storage/disk.ts';
import { replaceFile } from '../../node/storage/durableFile.ts';
import { faulty, type Fault } from './fault.ts';

export interface CursorStore {
  /** Null if nothing was saved yet. Faults: `fileUnreadable`, `cursorInvalid`, `wrongChain`. */
  readonly read: (chainId: string) => Result<string | null, Fault>;
  /** Durable when it returns. */
  readonly save: (chainId: string, cursor: string) => void;
}

const cursorBytesMax = 1_024;
const savedSchema = z.strictObject({
  chainId: z.string().regex(/^0x[0-9a-f]{64}$/),
  cursor: z.string().regex(/^[0-9]{1,16}\.[0-9]{1,10}$/),
});

export function cursorFile(path: string): CursorStore {
  return {
    read: (chainId) => {
      if (!existsSync(path)) return accepted(null);
      const text = readText(path, cursorBytesMax);
      if (!text.ok) return faulty('fileUnreadable', path);
      const saved = savedSchema.safeParse(parseJson(text.value));
      if (!saved.success) return faulty('cursorInvalid', path);
      // On another chain the same place means something else: claims would be passed over without a word.
      return saved.data.chainId === chainId ? accepted(saved.data.cursor) : faulty('wrongChain', path);
    },
    save: (chainId, cursor) => {
      const text = `${JSON.stringify({ chainId, cursor })}\n`;
      replaceFile(systemDisk, { path, temporary: `${path}.new` }, utf8ToBytes(text));
    },
  };
}

/** For one run: begins at the present and is forgotten. */
export function cursorInMemory(): CursorStore {
  let saved: string | null = null;
  return {
    read: () => accepted(saved),
    save: (_chainId, cursor) => {
      saved = cursor;
    },
  };
}
