/** Every bound of the protocol, in one file. A change here is a change of the protocol. Sizes are in bytes, times in ms. */

// transactions
export const transactionBytesMax = 32_768;
export const transactionSignaturesMax = 4;
export const transactionSealsMax = 8;
export const notAfterAheadMsMax: number = 24 * 3_600_000;
/** How far a transaction's notAfter may lie beyond the block time that includes it: the gate's bound plus clock error. */
export const notAfterAheadMsMaxInBlock: number = notAfterAheadMsMax + 600_000;

// batches and blocks
export const batchBytesTarget = 65_536;
export const batchBytesMax = 262_144;
export const batchTransactionsMax = 500;
export const batchAgeMsMax = 25;
export const blockBatchesMax = 32;
export const blockTransactionsMax = 4_000;

// consensus
export const votersMax = 64;
export const membersMax = 256;
export const skipCertificatesInProposalMax = 64;
export const unfinalizedAncestorsMax = 8;
export const viewTimeoutMsMax = 10_000;
/** Votes and proposals more than this many views ahead of ours are not kept: only certificates move a view. */
export const viewsAheadMax = 64;
export const certificatesPerAnswerMax = 64;
export const headersPerAnswerMax = 100;
export const consensusFrameBytesMax = 524_288;
export const bulkFrameBytesMax: number = 262_144 + 4_096;

// domain
export const amountMax = 1_000_000_000_000;
export const unitsMax = 1_000_000_000_000;
export const itemsMax = 5;
export const fillsMax = 24;
export const packHashesMax = 100;
export const claimLinesMax = 20;
/** Sources of the patient's part of one claim. */
export const paymentsMax = 5;
/** Reversals and recoupments of one claim. */
export const claimReversalsMax = 32;
export const dispenseEventsMax = 32;
/** Acceptances, reversals and recoupments. */
export const statementEntriesMax = 100_000;
/** Statements in one round of multilateral netting. */
export const roundStatementsMax = 64;
export const roundMsMax: number = 31 * 86_400_000;
export const nameBytesMax = 64;
export const authoredOnSkewMsMax = 300_000;
/** Active at one time; keys that were revoked stay known for ever, each under its own record. */
export const practitionerKeysMax = 4;
export const delegationMsMax: number = 366 * 24 * 3_600_000;
export const delegationsPerDayMax = 1_000;
export const shortagesMax = 64;

// governance
/** Open motions of one member; what the others open about it does not count. */
export const motionsOpenPerMemberMax = 4;
/** Heights from the opening of a motion to its end. */
export const motionHeightsMax = 1_000_000;
export const motionHeightsDefault = 100_000;
/** Motions that are over and still named in the list; all of them stay under their ids. */
export const motionsClosedListed = 64;
/** Expired motions that one opening puts away. */
export const motionsSweptMax = 16;
export const ticketMsMax: number = 30 * 86_400_000;
/** How long a READY, or a vote on a motion, says that a member is there. */
export const heardMsMax = 86_400_000;
/** How far below its block a READY's height may be. */
export const readyHeightsMax = 1_000;
export const votersMin = 4;
export const marksPerMemberMax = 8;
export const holidaysMax = 64;

// documents
export const sealedDocumentBytesMax = 200_000;
export const sealRecipientsMax = 32;
/** Canonical JSON of one document before compression; whoever opens it inflates no further. */
export const documentJsonBytesMax = 1_048_576;
/** Objects and arrays around a value in a document. */
export const documentJsonDepthMax = 64;
/** Sealed plaintext is padded to steps of this size, so that its length says little. */
export const documentPaddingStep = 1_024;

// clocks
export const clockSkewMsMax = 2_000;

// decoding
export const cborDepthMax = 16;
/** Some kilobytes, and one for each change of the voters since the genesis (twelve with 64 voters). */
export const stampBytesMax = 1_048_576;
export const stampClosingsMax = 256;
export const stampHeadersMax = 64;
/** Levels of a Merkle tree over the receipts of the largest block. */
export const stampPathMax = 12;
export const stateKeyBytesMax = 256;

// snapshots
export const snapshotChunkBytes = 262_144;
/** All of their digests fit one bulk frame; a state of more than 1.8 GiB has no snapshot. */
export const snapshotChunksMax = 7_500;
/** Of one record, or of the ids of one block that expire in one hour. */
export const snapshotValueBytesMax = 4_194_304;
export const closingsPerAnswerMax = 16;

// requests between nodes (the same limits at the asker and at the answerer)
export const batchesPerAnswerMax = 32;
