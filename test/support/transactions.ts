/** Signed transactions of a consortium's cast, made as an application with its own keys would make them. */
import { randomBytes } from 'node:crypto';
import type { CastMember, Consortium } from '../../devnet/cast.ts';
import { memberOf } from '../../devnet/homes.ts';
import { signerFromSeed } from '../../node/ed25519.ts';
import { createToken, patientKeys } from '../../node/patient.ts';
import type { Action } from '../../protocol/action.ts';
import type { Digest, Id, MemberName, Timestamp, Units } from '../../protocol/brand.ts';
import { bytesToHex } from '../../protocol/bytes.ts';
import type { PractitionerRole } from '../../protocol/practitioner.ts';
import type { Signer } from '../../protocol/signature.ts';
import type { PatientToken } from '../../protocol/token.ts';
import {
  encodeEnvelope,
  encodePayload,
  transactionId,
  transactionSigningBytes,
} from '../../protocol/transaction.ts';

export interface SignedTransaction {
  readonly txId: Digest;
  /** The envelope. */
  readonly bytes: Uint8Array;
}

export interface SignedIssue extends SignedTransaction {
  readonly rxId: Id;
  /** Of the one fill; what the patient shows to a pharmacy. */
  readonly redeemSigner: Signer;
}

type CastPractitioner = CastMember['practitioners'][number];

const hourMs = 3_600_000;

export function anId(): Id {
  return bytesToHex(randomBytes(16)) as Id;
}

function keyOf(practitioner: CastPractitioner | undefined): CastPractitioner['keys'][number] {
  const key = practitioner?.keys[0];
  if (key === undefined) throw new Error('nobody in the cast is in this role');
  return key;
}

function practitionersInRole(
  consortium: Consortium,
  memberName: string,
  role: PractitionerRole,
): readonly CastPractitioner[] {
  return memberOf(consortium, memberName).practitioners.filter(({ practitioner }) =>
    practitioner.roles.includes(role),
  );
}

/** An act of a member, signed by the given keys over this chain's signing bytes. */
export function signAct(
  chainId: Digest,
  act: { readonly member: MemberName; readonly action: Action },
  signers: readonly Signer[],
): SignedTransaction {
  const notAfter = (Date.now() + hourMs) as Timestamp;
  const payload = encodePayload({ chainId, id: anId(), notAfter, seals: [], ...act });
  const txId = transactionId(payload);
  const message = transactionSigningBytes(chainId, txId);
  const signatures = signers.map((signer) => ({ key: signer.publicKey, sig: signer.sign(message) }));
  return { txId, bytes: encodeEnvelope(payload, signatures) };
}

/** Of the person in this role at a member; of several, `number` says which. */
export function signerInRole(
  consortium: Consortium,
  memberName: string,
  { role, number = 0 }: { readonly role: PractitionerRole; readonly number?: number },
): Signer {
  const persons = practitionersInRole(consortium, memberName, role);
  return signerFromSeed(keyOf(persons[number % persons.length]).seed);
}

/** An ordinary prescription of a fresh patient: 30 units of one item, one fill, for a day. `number` says which doctor signs. */
export function signIssue(consortium: Consortium, memberName: string, number: number): SignedIssue {
  return signIssueFor(consortium, memberName, { number, token: createToken(anId()) });
}

/** The same for a patient whose token there is already: two of them make the same prescription. */
export function signIssueFor(
  consortium: Consortium,
  memberName: string,
  { number, token }: { readonly number: number; readonly token: PatientToken },
): SignedIssue {
  const doctors = practitionersInRole(consortium, memberName, 'doctor');
  const doctor = doctors[number % doctors.length];
  const signer = signerFromSeed(keyOf(doctor).seed);
  const { rxId } = token;
  const now = Date.now() as Timestamp;
  const end = (now + 24 * hourMs) as Timestamp;
  const patient = patientKeys(token, 1);
  const [fill] = patient.fills;
  if (doctor === undefined || fill === undefined) throw new Error('no doctor or no fill');
  const { redeemSigner, redeemKey, receiptHash } = fill;
  const action: Action = {
    kind: 'rx.issue',
    body: {
      rxId,
      prescriber: doctor.practitioner.id,
      class: 'ordinary',
      authoredOn: now,
      validUntil: end,
      items: [
        {
          itemId: 0,
          units: 30 as Units,
          repeats: 0,
          intervalDays: 0,
          substitutionAllowed: true,
          validUntil: null,
        },
      ],
      fills: [{ k: 0, start: now, end, redeemKey, receiptHash }],
      ownerKey: patient.owner.publicKey,
      reviewRequired: false,
      replaces: null,
    },
  };
  return {
    ...signAct(consortium.chainId, { member: memberName as MemberName, action }, [signer]),
    rxId,
    redeemSigner,
  };
}

/** A pharmacy's reservation of the prescription's fill, for two hours at the counter. */
export function signReserve(
  consortium: Consortium,
  pharmacyName: string,
  { rxId, redeemSigner }: Pick<SignedIssue, 'rxId' | 'redeemSigner'>,
): SignedTransaction {
  const pharmacy = pharmacyName as MemberName;
  const until = (Date.now() + 2 * hourMs) as Timestamp;
  const action: Action = { kind: 'fill.reserve', body: { rxId, k: 0, pharmacy, until, mode: 'counter' } };
  const signers = [signerInRole(consortium, pharmacyName, { role: 'pharmacist' }), redeemSigner];
  return signAct(consortium.chainId, { member: pharmacy, action }, signers);
}
