/** The JSON of results that many methods share, for rpc.discover. */
import * as z from 'zod';
import { refusalCodes } from '../../protocol/refusal.ts';

const hexSchema = z.string().regex(/^0x([0-9a-f]{2})*$/);
const timeSchema = z.iso.datetime({ precision: 3 });

const transactionShape = {
  txId: hexSchema,
  status: z.enum(['unknown', 'pending', 'committed', 'refused', 'expired']),
  height: z.int().nullable(),
  index: z.int().nullable(),
  time: timeSchema.nullable(),
  code: z.enum(refusalCodes).nullable(),
  hint: z.string().nullable(),
  notAfter: timeSchema.nullable(),
};

export const transactionResultSchema: z.ZodType = z.strictObject(transactionShape);
export const writeResultSchema: z.ZodType = z.looseObject({ ...transactionShape, id: hexSchema });

const eventSchema = z.strictObject({
  cursor: z.string(),
  height: z.int(),
  index: z.int(),
  time: timeSchema,
  txId: hexSchema,
  kind: z.string(),
  member: z.string(),
  outcome: z.enum(['committed', 'refused']),
  code: z.enum(refusalCodes).nullable(),
  subjects: z.array(hexSchema),
});

export const eventPageSchema: z.ZodType = z.strictObject({
  items: z.array(eventSchema),
  nextCursor: z.string(),
  lagged: z.boolean(),
  asOfHeight: z.int(),
});

/** A list of items of which each has this schema. */
export function listSchema(item: z.ZodType): z.ZodType {
  return z.strictObject({ items: z.array(item), nextCursor: z.string().nullable(), asOfHeight: z.int() });
}

export const historySchema: z.ZodType = listSchema(eventSchema.extend({ stamp: hexSchema.nullable() }));
