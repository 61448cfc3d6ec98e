/** Signed transactions for the load: ordinary prescriptions of many doctors, made before the clock runs. */
import { randomBytes } from 'node:crypto';
import type { CastMember, Consortium } from '../../devnet/cast.ts';
import { signerFromSeed } from '../../node/ed25519.ts';
import type { Digest, Id, MemberName, PublicKey, Timestamp, Units } from '../../protocol/brand.ts';
import { bytesToHex } from '../../protocol/bytes.ts';
import type { Signer } from '../../protocol/signature.ts';
import {
  encodeEnvelope,
  encodePayload,
  transactionId,
  transactionSigningBytes,
} from '../../protocol/transaction.ts';

interface Doctor {
  readonly member: MemberName;
  readonly practitioner: Id;
  readonly signer: Signer;
}

const dayMs = 86_400_000;
const hourMs = 3_600_000;

function doctorsOf(consortium: Consortium): readonly Doctor[] {
  return consortium.members.flatMap((member) =>
    member.practitioners.filter(isDoctor).flatMap((person) => {
      const [key] = person.keys;
      if (key === undefined) return [];
      const signer = signerFromSeed(key.seed);
      return [{ member: member.name, practitioner: person.practitioner.id, signer }];
    }),
  );
}

function isDoctor(person: CastMember['practitioners'][number]): boolean {
  return person.practitioner.roles.includes('doctor');
}

/** `0x` hex of `count` envelopes, the doctors in turn. Keys of patients are random: their secrets are not needed here. */
export function signedPrescriptions(consortium: Consortium, count: number): readonly string[] {
  const doctors = doctorsOf(consortium);
  return Array.from({ length: count }, (_, index) => {
    const doctor = doctors[index % doctors.length];
    if (doctor === undefined) throw new Error('the consortium has no doctor');
    return `0x${bytesToHex(signedPrescription(consortium.chainId, doctor))}`;
  });
}

function signedPrescription(chainId: Digest, doctor: Doctor): Uint8Array {
  const now = Date.now() as Timestamp;
  const end = (now + dayMs) as Timestamp;
  const payload = encodePayload({
    chainId,
    id: randomHex(16) as Id,
    member: doctor.member,
    notAfter: (now + hourMs) as Timestamp,
    seals: [],
    action: {
      kind: 'rx.issue',
      body: {
        rxId: randomHex(16) as Id,
        prescriber: doctor.practitioner,
        class: 'ordinary',
        authoredOn: now,
        validUntil: end,
        items: [{ itemId: 0, units: 30 as Units, repeats: 0, intervalDays: 0, substitutionAllowed: true }],
        fills: [{ k: 0, start: now, end, redeemKey: randomKey(), receiptHash: randomHex(32) as Digest }],
        ownerKey: randomKey(),
        reviewRequired: false,
        replaces: null,
      },
    },
  });
  const sig = doctor.signer.sign(transactionSigningBytes(chainId, transactionId(payload)));
  return encodeEnvelope(payload, [{ key: doctor.signer.publicKey, sig }]);
}

function randomHex(size: number): string {
  return randomBytes(size).toString('hex');
}

function randomKey(): PublicKey {
  return randomHex(32) as PublicKey;
}
