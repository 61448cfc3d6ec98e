/** Finalized blocks. */
import * as z from 'zod';
import type { Height } from '../../../protocol/brand.ts';
import { headerSchema } from '../../../protocol/block.ts';
import { certificateSchema } from '../../../protocol/certificate.ts';
import { digestSchema } from '../../../protocol/codec.ts';
import { receiptSchema } from '../../../protocol/receipt.ts';
import { accepted } from '../../../protocol/result.ts';
import type { BlockSummary, BlockView } from '../contract.ts';
import { fault } from '../errors.ts';
import { notHeld } from '../history.ts';
import { hexOf, jsonSchema, timeOf, toJson } from '../json.ts';
import { pageItemsMax } from '../limits.ts';
import { method, type Method } from '../method.ts';
import type { FinalBlock, LedgerPort } from '../ports.ts';
import { listSchema } from '../resultSchemas.ts';

const heightJson = z.int().min(0) as unknown as z.ZodType<Height>;

const head = method('ledger_head', {
  summary: 'The latest finalized block.',
  params: z.strictObject({}),
  handle: (_params, { ports }) => {
    const height = ports.ledger.height();
    const final = ports.ledger.blockAt(height);
    if (final === null) return accepted({ height, digest: null, time: null });
    return accepted({ height, digest: hexOf(final.digest), time: timeOf(final.block.header.timeMs) });
  },
});

const header = method('ledger_header', {
  summary: 'The header of a finalized block.',
  params: z.strictObject({ height: heightJson }),
  handle: ({ height }, { ports }) => {
    if (height >= 1 && height < ports.ledger.heightMin()) return fault('historyMissing', 'height');
    const final = ports.ledger.blockAt(height);
    if (final === null) return fault('notFound', 'height');
    return accepted({ digest: hexOf(final.digest), header: toJson(headerSchema, final.block.header) });
  },
});

const block = method('ledger_block', {
  summary: 'A finalized block with its certificate and receipts, by height or digest.',
  params: z.union([
    z.strictObject({ height: heightJson }),
    z.strictObject({ digest: jsonSchema(digestSchema) }),
  ]),
  handle: (params, { ports }) => {
    const height = 'height' in params ? params.height : ports.ledger.heightOf(params.digest);
    if (height === null) return notHeld(ports.ledger, 'digest');
    if (height >= 1 && height < ports.ledger.heightMin()) return fault('historyMissing', 'height');
    const final = ports.ledger.blockAt(height);
    if (final === null) return fault('notFound', 'height');
    return accepted(blockView(ports.ledger, height, final));
  },
});

const blocks = method('ledger_blocks', {
  summary: 'Finalized blocks, newest first; the cursor goes back in time.',
  params: z.strictObject({
    cursor: z
      .string()
      .regex(/^[1-9][0-9]{0,15}$/)
      .nullable()
      .default(null),
    limit: z.int().min(1).max(pageItemsMax).default(20),
  }),
  result: listSchema(z.looseObject({ height: z.int(), digest: z.string(), time: z.iso.datetime() })),
  handle: ({ cursor, limit }, { ports }) => {
    const { ledger } = ports;
    const asOfHeight = ledger.height();
    const first = Math.min(asOfHeight, cursor === null ? asOfHeight : Number(cursor));
    const lowest = ledger.heightMin();
    if (first >= 1 && first < lowest) return fault('historyMissing', 'cursor');
    const items: BlockSummary[] = [];
    let height = first;
    while (items.length < limit && height >= lowest) {
      const final = ledger.blockAt(height as Height);
      if (final === null) break;
      items.push(blockSummary(ledger, height as Height, final));
      height -= 1;
    }
    // Below our lowest block the next page is an error, not the end.
    const isEnd = height < 1;
    return accepted({ items, nextCursor: isEnd ? null : String(height), asOfHeight });
  },
});

export const ledgerMethods: readonly Method[] = [head, header, block, blocks];

function blockView(ledger: LedgerPort, height: Height, final: FinalBlock): BlockView {
  const { block, certificate, digest } = final;
  return {
    digest: hexOf(digest),
    header: toJson(headerSchema, block.header),
    batchDigests: block.batchDigests.map(hexOf),
    certificate: certificate === null ? null : toJson(certificateSchema, certificate),
    receipts: ledger.receiptsAt(height).map((receipt) => toJson(receiptSchema, receipt)),
  };
}

function blockSummary(ledger: LedgerPort, height: Height, final: FinalBlock): BlockSummary {
  const { header } = final.block;
  return {
    height,
    digest: hexOf(final.digest),
    time: timeOf(header.timeMs),
    view: header.view,
    proposer: header.proposer,
    receiptCount: ledger.receiptsAt(height).length,
  };
}
