/** State stamps: what the ledger said about one record as of a height, provable offline with the genesis file alone. */
import * as z from 'zod';
import type { Header } from './block.ts';
import { certificateSchema } from './certificate.ts';
import { bytesSchema, decodeWith, encodeWith } from './codec.ts';
import type { Genesis } from './genesis.ts';
import { stampBytesMax, stateKeyBytesMax } from './limits.ts';
import { accepted, refused, type Result } from './result.ts';
import type { SignatureScheme } from './signature.ts';
import { closingsSchema, headersSchema, verifyFromGenesis, type GenesisProof } from './lightClient.ts';
import type { StateView } from './state.ts';
import { proveState, stateProofSchema, verifyStateProof, type StateProof } from './stateProof.ts';

export interface StateStamp extends GenesisProof {
  readonly key: string;
  /** The record as stored, or null: there is none under this key. */
  readonly value: Uint8Array | null;
  readonly proof: StateProof;
}

export interface VerifiedStateStamp {
  readonly key: string;
  readonly value: Uint8Array | null;
  /** The block after which the record was so. */
  readonly header: Header;
}

const stateStampSchema: z.ZodType<StateStamp> = z.strictObject({
  key: z
    .string()
    .max(stateKeyBytesMax)
    .regex(/^[\x21-\x7e]+$/),
  value: bytesSchema.nullable(),
  proof: stateProofSchema,
  headers: headersSchema,
  certificate: certificateSchema,
  closings: closingsSchema,
});

/** `view` is the state after the first of the headers. */
export function makeStateStamp(view: StateView, key: string, finality: GenesisProof): StateStamp {
  const { headers, certificate, closings } = finality;
  return { key, value: view.get(key), proof: proveState(view.page, key), headers, certificate, closings };
}

export function encodeStateStamp(stamp: StateStamp): Uint8Array {
  return encodeWith(stateStampSchema, stamp);
}

/** Refusals: `tooLarge`, `malformed`. Nothing is verified yet. */
export function decodeStateStamp(bytes: Uint8Array): Result<StateStamp> {
  return decodeWith(stateStampSchema, bytes, stampBytesMax);
}

/** Refusals: `tooLarge`, `malformed`, `proofInvalid`, and those of `verifyFromGenesis`. */
export function verifyStateStamp(
  bytes: Uint8Array,
  genesis: Genesis,
  scheme: SignatureScheme,
): Result<VerifiedStateStamp> {
  const decoded = decodeStateStamp(bytes);
  if (!decoded.ok) return decoded;
  const { key, value, proof } = decoded.value;
  const finality = verifyFromGenesis(decoded.value, genesis, scheme);
  if (!finality.ok) return finality;
  const header = finality.value;
  if (!verifyStateProof(header.stateRoot, { key, value }, proof)) return refused('proofInvalid', 'stateRoot');
  return accepted({ key, value, header });
}
