/** Patient data that is recognised wherever it turns up, in whatever usual encoding: for tests that look for leaks (I22). */
import { createHash } from 'node:crypto';
import type { Id } from '../../protocol/brand.ts';
import {
  deriveFillSecret,
  deriveFillSeeds,
  deriveOwnerSeed,
  deriveReceiptCode,
  formatFillSecret,
  formatToken,
  type PatientToken,
} from '../../protocol/token.ts';

export interface Planted {
  /** What a doctor or a pharmacist knows of the patient. Each is longer than chance would repeat. */
  readonly texts: readonly string[];
  /** A FHIR R4 resource that holds all of the texts. */
  readonly document: { readonly [key: string]: string | object };
  readonly token: PatientToken;
  /** What only the patient has, and whoever the patient shows it to. */
  readonly secrets: readonly Uint8Array[];
}

/** Of one patient, with one prescription of two fills; the same seed gives the same patient. */
export function planted(rxId: Id, seed: number): Planted {
  const draw = (label: string): Buffer => createHash('sha256').update(`${label} ${seed}`).digest();
  const letters = (label: string): string =>
    draw(label).toString('hex').replaceAll(/[0-9]/g, 'k').slice(0, 9);
  const number = (label: string, digits: number): string =>
    (draw(label).readUIntBE(0, 6) + 10 ** digits).toString().slice(-digits);
  const name = `Ann ${letters('given')} ${letters('family')}`;
  const day = 10 + ((draw('day')[0] ?? 0) % 19);
  const birthDate = `19${number('year', 2)}-1${(draw('month')[0] ?? 0) % 3}-${day}`;
  const address = `${number('house', 3)} ${letters('street')} Road, ${letters('city')}`;
  const identifier = `MRN|${number('record', 12)}`;
  const phone = `+86 ${number('phone', 11)}`;
  const note = `allergic to ${letters('allergy')}`;
  const token = { rxId, secret: Uint8Array.from(draw('token')) };
  const fills = [0, 1].map((k) => deriveFillSecret(token, k));
  const codes = [0, 1].map((k) => deriveReceiptCode(token, k));
  return {
    texts: [
      name,
      birthDate,
      address,
      identifier,
      phone,
      note,
      formatToken(token),
      ...fills.map(formatFillSecret),
      ...codes,
    ],
    document: {
      resourceType: 'MedicationRequest',
      status: 'active',
      subject: { display: name, identifier: { value: identifier } },
      contained: [
        { resourceType: 'Patient', birthDate, address: [{ text: address }], telecom: [{ value: phone }] },
      ],
      note: [{ text: note }],
    },
    token,
    secrets: [
      token.secret,
      deriveOwnerSeed(token),
      ...fills.flatMap((fill) => {
        const { redeemSeed, unwrapSeed } = deriveFillSeeds(fill);
        return [fill.secret, redeemSeed, unwrapSeed];
      }),
    ],
  };
}

/** The forms in which bytes would be recognised: as they are, in hex, and in base64 at any offset. */
function formsOf(bytes: Buffer): readonly string[] {
  const inBase64 = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    // Characters that hold bits of what stands before and after are not the token's own.
    const isCut = (offset + bytes.length) % 3 > 0;
    return text.replaceAll('=', '').slice(Math.ceil((offset * 4) / 3), isCut ? -1 : undefined);
  });
  const url = inBase64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  return [...new Set([bytes.toString('latin1'), bytes.toString('hex'), ...inBase64, ...url])];
}

/** The first of the patient's data that stands in the bytes, in any form; null if there is none. */
export function leakIn(
  bytes: Uint8Array,
  { texts, secrets }: Pick<Planted, 'texts' | 'secrets'>,
): string | null {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  for (const text of texts) {
    const forms = [...formsOf(Buffer.from(text)), Buffer.from(text, 'utf16le').toString('latin1')];
    if (forms.some((form) => all.includes(form))) return text;
  }
  const found = secrets.find((secret) => formsOf(Buffer.from(secret)).some((form) => all.includes(form)));
  return found === undefined ? null : `secret ${Buffer.from(found).toString('hex')}`;
}
