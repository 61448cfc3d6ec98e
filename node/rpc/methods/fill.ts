/** Reserving a fill: the pharmacist signs, and so does the fill's redeem key, which follows from what the patient showed. */
import * as z from 'zod';
import type { Id } from '../../../protocol/brand.ts';
import { reservationModes } from '../../../protocol/policy.ts';
import { fillIndexSchema } from '../../../protocol/prescription.ts';
import { accepted } from '../../../protocol/result.ts';
import type { Signer } from '../../../protocol/signature.ts';
import { deriveFillSeeds, parseFillSecret } from '../../../protocol/token.ts';
import { fault } from '../errors.ts';
import { timestampJson } from '../json.ts';
import { method, type Method } from '../method.ts';
import type { RpcPorts } from '../ports.ts';
import { writeResultSchema } from '../resultSchemas.ts';
import { write, writeShape } from '../write.ts';
import { idJson, tokenJson } from './rx.ts';

const reserveShape = { ...writeShape, until: timestampJson, mode: z.enum(reservationModes) };

const reserve = method('fill_reserve', {
  summary:
    'This pharmacy reserves a fill with the secret that the patient showed, or by rxId and k if the patient nominated it.',
  params: z.union([
    z.strictObject({ ...reserveShape, fillSecret: tokenJson }),
    z.strictObject({ ...reserveShape, rxId: idJson, k: fillIndexSchema }),
  ]),
  result: writeResultSchema,
  handle: (params, context) => {
    const { ports } = context;
    const call = {
      method: 'fill_reserve',
      params: { ...params, waitFor: null, timeoutMs: null },
      choice: params,
    };
    return write(context, call, () => {
      const named = 'fillSecret' in params ? redeemed(ports, params.fillSecret) : { ...params, signers: [] };
      if (named === null) return fault('invalidParams', 'fillSecret');
      const { rxId, k, signers } = named;
      const body = { rxId, k, pharmacy: ports.keystore.member, until: params.until, mode: params.mode };
      return accepted({ action: { kind: 'fill.reserve', body }, seals: [], signers, extra: {} });
    });
  },
});

interface NamedFill {
  readonly rxId: Id;
  readonly k: number;
  /** Of the redeem key. */
  readonly signers: readonly Signer[];
}

/** The fill that the secret opens; null if it is no secret. */
function redeemed(ports: RpcPorts, text: string): NamedFill | null {
  const secret = parseFillSecret(text);
  if (!secret.ok) return null;
  const { rxId, k } = secret.value;
  return { rxId, k, signers: [ports.signerFromSeed(deriveFillSeeds(secret.value).redeemSeed)] };
}

export const fillMethods: readonly Method[] = [reserve];
