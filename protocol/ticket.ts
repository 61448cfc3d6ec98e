/**
 * Invitations: a member signs a ticket under its admin key and hands it to the newcomer out of band. It names the newcomer and
 * its roles, lets nobody in by itself, and needs no transaction: the newcomer joins with it, and the voters decide.
 */
import * as z from 'zod';
import type { Digest, Height, Id, MemberName, PublicKey, Signature, Timestamp } from './brand.ts';
import { hexToBytes } from './bytes.ts';
import {
  decodeWith,
  encodeWith,
  heightSchema,
  idSchema,
  nameSchema,
  publicKeySchema,
  signatureSchema,
  timestampSchema,
} from './codec.ts';
import { taggedHash } from './hash.ts';
import { memberRolesSchema, type MemberRole } from './member.ts';
import type { Result } from './result.ts';
import type { SignatureCheck } from './signature.ts';

export interface Invitation {
  /** Of the motion that the join opens: so a ticket is good for one. */
  readonly motionId: Id;
  /** The last height at which a vote on it counts. */
  readonly expiresHeight: Height;
  readonly inviter: MemberName;
  /** Name of the newcomer. */
  readonly name: MemberName;
  readonly roles: readonly MemberRole[];
  /** Block time until which a join is taken. */
  readonly until: Timestamp;
  /** Admin key of the inviter. */
  readonly key: PublicKey;
}

export interface Ticket extends Invitation {
  readonly signature: Signature;
}

const invitationShape = {
  motionId: idSchema,
  expiresHeight: heightSchema,
  inviter: nameSchema,
  name: nameSchema,
  roles: memberRolesSchema,
  until: timestampSchema,
  key: publicKeySchema,
};
const invitationSchema: z.ZodType<Invitation> = z.strictObject(invitationShape);

export const ticketSchema: z.ZodType<Ticket> = z.strictObject({
  ...invitationShape,
  signature: signatureSchema,
});

const ticketBytesMax = 1_024;

/** The 32 bytes that the inviter signs with its admin key. */
export function ticketSigningBytes(chainId: Digest, invitation: Invitation): Uint8Array {
  const { motionId, expiresHeight, inviter, name, roles, until, key } = invitation;
  const bare = { motionId, expiresHeight, inviter, name, roles, until, key };
  return taggedHash('invitation', hexToBytes(chainId), encodeWith(invitationSchema, bare));
}

/** The signature that must hold. */
export function ticketCheck(chainId: Digest, ticket: Ticket): SignatureCheck {
  return { message: ticketSigningBytes(chainId, ticket), signature: ticket.signature, key: ticket.key };
}

export function encodeTicket(ticket: Ticket): Uint8Array {
  return encodeWith(ticketSchema, ticket);
}

/** Refusals: `tooLarge`, `malformed`. The signature is not yet checked. */
export function decodeTicket(bytes: Uint8Array): Result<Ticket> {
  return decodeWith(ticketSchema, bytes, ticketBytesMax);
}
