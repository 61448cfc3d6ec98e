/** Spent packs: the hash of a pack's serial leads to the supply that the pack left in. It is spent once (I15), and found when it is recalled. */
import * as z from 'zod';
import type { Digest, Id } from './brand.ts';
import { idSchema } from './codec.ts';
import { fillIndexSchema } from './prescription.ts';
import { readRecord, recordCodec, type RecordCodec, type RecordReader } from './record.ts';

/** The dispense event that spent a pack. Its id is unique only within its prescription, so the record names all three. */
export interface SpentPack {
  readonly rxId: Id;
  readonly k: number;
  readonly eventId: Id;
}

const packCodec: RecordCodec<SpentPack> = recordCodec<SpentPack>(
  z.strictObject({ rxId: idSchema, k: fillIndexSchema, eventId: idSchema }),
);

export function packRecordKey(packHash: Digest): string {
  return `pack/${packHash}`;
}

/** Null for a pack that was never dispensed, or is back on the shelf. */
export function readPack(state: RecordReader, packHash: Digest): SpentPack | null {
  return readRecord(state, packRecordKey(packHash), packCodec);
}

export function encodePack(pack: SpentPack): Uint8Array {
  return packCodec.encode(pack);
}
