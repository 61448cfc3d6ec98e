/** Settlement: what is open between a pharmacy and an insurer, and the statements they made of it. */
import * as z from 'zod';
import type { MemberName } from '../../../protocol/brand.ts';
import { codeSchema, nameSchema } from '../../../protocol/codec.ts';
import { accepted } from '../../../protocol/result.ts';
import { readOpenPosition, readStatement } from '../../../protocol/settlement.ts';
import { fault } from '../errors.ts';
import { hexOf } from '../json.ts';
import { method, type Method } from '../method.ts';

const pairShape: {
  readonly insurer: z.ZodType<MemberName>;
  readonly pharmacy: z.ZodType<MemberName>;
} = { insurer: nameSchema, pharmacy: nameSchema };

const position = method('settle_position', {
  summary:
    'Count, total and root of the accepted claims of a pair that stand in no statement yet: what settle_propose has to say.',
  params: z.strictObject(pairShape),
  handle: (pair, { ports }) => {
    const { claimsRoot, ...sums } = readOpenPosition(ports.ledger.state(), pair);
    return accepted({
      asOfHeight: ports.ledger.height(),
      position: { ...pair, ...sums, claimsRoot: hexOf(claimsRoot) },
    });
  },
});

const statement = method('settle_statement', {
  summary: 'The statement of a pair and period: proposed, confirmed or paid.',
  params: z.strictObject({ ...pairShape, period: codeSchema }),
  handle: ({ period, ...pair }, { ports }) => {
    const found = readStatement(ports.ledger.state(), pair, period);
    if (found === null) return fault('statementUnknown', 'period');
    return accepted({
      asOfHeight: ports.ledger.height(),
      statement: { ...found, claimsRoot: hexOf(found.claimsRoot) },
    });
  },
});

export const settleMethods: readonly Method[] = [position, statement];
