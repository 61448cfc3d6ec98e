/** Claims: the record, with what follows from its statement. */
import * as z from 'zod';
import { claimStatusAt, readClaim } from '../../../protocol/claim.ts';
import { settledStatus } from '../../../protocol/settlement.ts';
import { accepted } from '../../../protocol/result.ts';
import { fault } from '../errors.ts';
import { method, type Method } from '../method.ts';
import { claimView } from '../views.ts';
import { idJson, ledgerTime } from './rx.ts';
import { readPolicy } from '../../../protocol/policy.ts';

const get = method('claim_get', {
  summary: 'A claim: its lines, what the insurer covers, where it stands.',
  params: z.strictObject({ claimId: idJson }),
  handle: ({ claimId }, { ports }) => {
    const state = ports.ledger.state();
    const claim = readClaim(state, claimId);
    if (claim === null) return fault('claimUnknown', 'claimId');
    const { adjudicationMs } = readPolicy(state);
    const now = claimStatusAt(claim, ledgerTime(ports), adjudicationMs);
    const view = claimView(claim, now === 'unknown' ? now : settledStatus(state, claim));
    return accepted({ asOfHeight: ports.ledger.height(), claim: view });
  },
});

export const claimMethods: readonly Method[] = [get];
