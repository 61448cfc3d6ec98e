/** Deliveries: receipt by the patient's key or code, and the parcel's record. */
import * as z from 'zod';
import { readParcel } from '../../../protocol/parcel.ts';
import { readPolicy } from '../../../protocol/policy.ts';
import { fillIndexSchema } from '../../../protocol/prescription.ts';
import { accepted } from '../../../protocol/result.ts';
import { deriveOwnerSeed, parseToken } from '../../../protocol/token.ts';
import { fault } from '../errors.ts';
import { method, type Method } from '../method.ts';
import { writeResultSchema } from '../resultSchemas.ts';
import { parcelView } from '../views.ts';
import { write, writeShape } from '../write.ts';
import { idJson, ledgerTime, tokenJson } from './rx.ts';

const parcelShape = { ...writeShape, k: fillIndexSchema, parcelId: idJson.nullable() };

const receive = method('delivery_receive', {
  summary:
    'The patient has received a parcel, or picked it up at the counter (parcelId null): by the token, or by the receipt code that a pharmacist or courier enters.',
  params: z.union([
    z.strictObject({ ...parcelShape, token: tokenJson }),
    z.strictObject({ ...parcelShape, rxId: idJson, receiptCode: z.string().min(1).max(64) }),
  ]),
  result: writeResultSchema,
  handle: (params, context) => {
    const call = {
      method: 'delivery_receive',
      params: { ...params, waitFor: null, timeoutMs: null },
      choice: params,
    };
    return write(context, call, () => {
      const { k, parcelId } = params;
      if ('receiptCode' in params) {
        const { rxId, receiptCode } = params;
        const body = { rxId, k, parcelId, receiptCode };
        return accepted({ action: { kind: 'delivery.receive', body }, seals: [], signers: [], extra: {} });
      }
      const token = parseToken(params.token);
      if (!token.ok) return fault('invalidParams', 'token');
      const body = { rxId: token.value.rxId, k, parcelId, receiptCode: null };
      const signers = [context.ports.signerFromSeed(deriveOwnerSeed(token.value))];
      return accepted({ action: { kind: 'delivery.receive', body }, seals: [], signers, extra: {} });
    });
  },
});

const get = method('delivery_get', {
  summary: 'A parcel: where it is, and who has it.',
  params: z.strictObject({ parcelId: idJson }),
  handle: ({ parcelId }, { ports }) => {
    const state = ports.ledger.state();
    const parcel = readParcel(state, parcelId);
    if (parcel === null) return fault('parcelUnknown', 'parcelId');
    return accepted({
      asOfHeight: ports.ledger.height(),
      parcel: parcelView(parcel, readPolicy(state), ledgerTime(ports)),
    });
  },
});

export const deliveryMethods: readonly Method[] = [receive, get];
