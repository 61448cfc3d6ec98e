/** Branded primitives: numbers and strings that must not be mixed. Values are made by the decoders of this room. */

declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

declare const verified: unique symbol;
/** Signer is a member and the signature holds. Made only by the verify functions of protocol/. */
export type Verified<T> = T & { readonly [verified]: true };

/** Genesis is 0, the first block is 1. */
export type Height = Brand<number, 'Height'>;
/** Views start at 1 in each epoch; 0 stands for the block that the epoch starts on. */
export type View = Brand<number, 'View'>;
/** The first epoch is 1. */
export type Epoch = Brand<number, 'Epoch'>;
/** Unix milliseconds, read from a block header or carried in a signed transaction. */
export type Timestamp = Brand<number, 'Timestamp'>;
/** Position of a voter in the voter set of an epoch, from 0. */
export type VoterIndex = Brand<number, 'VoterIndex'>;
/** Position of a batch in its member's lane; the first is 1. */
export type Sequence = Brand<number, 'Sequence'>;
/** sha256, 64 lower-case hex digits; 32 bytes on the wire. */
export type Digest = Brand<string, 'Digest'>;
/** Ed25519 or X25519 public key, 64 lower-case hex digits; 32 bytes on the wire. */
export type PublicKey = Brand<string, 'PublicKey'>;
/** Ed25519 signature, 128 lower-case hex digits; 64 bytes on the wire. */
export type Signature = Brand<string, 'Signature'>;
/** UUIDv7 or random identifier made by a client, 32 lower-case hex digits; 16 bytes on the wire. */
export type Id = Brand<string, 'Id'>;
/** Short name of a member, unique and stable for the life of the chain, for example `pharmacy-2`. */
export type MemberName = Brand<string, 'MemberName'>;
/** Integers of the currency's minor unit, 0..10^12. */
export type Amount = Brand<number, 'Amount'>;
/** What a member gets (positive) or owes, -10^12..10^12 of the minor unit. */
export type Balance = Brand<number, 'Balance'>;
/** Integers of the prescribed unit, 0..10^12. */
export type Units = Brand<number, 'Units'>;
