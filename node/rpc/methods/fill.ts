/** Reserving a fill: the pharmacist signs, and so does the fill's redeem key, which follows from what the patient showed. */
import * as z from 'zod';
import { reservationModes } from '../../../protocol/policy.ts';
import { accepted } from '../../../protocol/result.ts';
import { deriveFillSeeds, parseFillSecret } from '../../../protocol/token.ts';
import { fault } from '../errors.ts';
import { timestampJson } from '../json.ts';
import { method, type Method } from '../method.ts';
import { writeResultSchema } from '../resultSchemas.ts';
import { write, writeShape } from '../write.ts';
import { tokenJson } from './rx.ts';

const reserve = method('fill_reserve', {
  summary: 'This pharmacy reserves a fill with the secret that the patient showed.',
  params: z.strictObject({
    ...writeShape,
    fillSecret: tokenJson,
    until: timestampJson,
    mode: z.enum(reservationModes),
  }),
  result: writeResultSchema,
  handle: (params, context) => {
    const { ports } = context;
    const call = {
      method: 'fill_reserve',
      params: { ...params, waitFor: null, timeoutMs: null },
      choice: params,
    };
    return write(context, call, () => {
      const secret = parseFillSecret(params.fillSecret);
      if (!secret.ok) return fault('invalidParams', 'fillSecret');
      const { rxId, k } = secret.value;
      const { until, mode } = params;
      const body = { rxId, k, pharmacy: ports.keystore.member, until, mode };
      const signers = [ports.signerFromSeed(deriveFillSeeds(secret.value).redeemSeed)];
      return accepted({ action: { kind: 'fill.reserve', body }, seals: [], signers, extra: {} });
    });
  },
});

export const fillMethods: readonly Method[] = [reserve];
