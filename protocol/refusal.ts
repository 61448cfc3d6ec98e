/**
 * Every refusal code of the protocol, in one list. Codes are part of the contract: they stand in receipts, which
 * are hashed and certified, so a code is never renamed or reused. The meaning of each stands in protocol/README.md.
 */

export const refusalCodes = [
  // bytes and envelopes
  'malformed',
  'tooLarge',
  'wrongChain',
  'unknownKind',
  'badSignature',
  'wrongSigners',
  'expired',
  'notAfterTooFar',
  'idReused',
  'busy',
  // who
  'memberUnknown',
  'memberNotActive',
  'roleMissing',
  'practitionerUnknown',
  'practitionerExists',
  'practitionerNotActive',
  'scopeMissing',
  'keyUnknown',
  'keyRevoked',
  'rateExceeded',
  'notPermitted',
  // prescription and fill
  'prescriptionUnknown',
  'prescriptionExists',
  'prescriptionExpired',
  'prescriptionNotOpen',
  'validityTooLong',
  'authoredOnOutOfWindow',
  'itemsInvalid',
  'fillUnknown',
  'fillNotReady',
  'fillOutOfWindow',
  'fillReserved',
  'fillNotReserved',
  'notHolder',
  'reservationTooLong',
  'redeemKeyWrong',
  'reviewPending',
  'reviewNotPending',
  'reviewerIsPrescriber',
  'itemUnknown',
  'quantityExceeded',
  'substitutionNotAllowed',
  'packSpent',
  'eventExists',
  'tooLate',
  // delivery
  'parcelExists',
  'parcelUnknown',
  'parcelState',
  'notCustodian',
  'nothingDispensed',
  'receiptCodeWrong',
  'alreadyReceived',
  // claims and settlement
  'claimExists',
  'claimUnknown',
  'claimState',
  'claimPartyWrong',
  'amountsDoNotAdd',
  'amountMismatch',
  'dispenseEventUnknown',
  'dispenseEventClaimed',
  'statementExists',
  'statementUnknown',
  'statementState',
  'statementMismatch',
  'nothingToSettle',
  // consensus messages
  'notAVoter',
  'wrongEpoch',
  'certificateInvalid',
  'batchUnknown',
  'batchInvalid',
  'headerInvalid',
  // governance
  'memberExists',
  'ticketInvalid',
  'motionExists',
  'motionUnknown',
  'motionClosed',
  'alreadyVoted',
  'expiryInvalid',
  'changeNotApplicable',
  'notReady',
  'voterSetPending',
  'votersTooFew',
  'votersSilent',
  'policyVersionWrong',
  'policyPending',
  'evidenceInvalid',
  'evidenceKnown',
  // sealed documents
  'sealBroken',
  'notARecipient',
  // stamps and proofs
  'proofInvalid',
  // a node's own answer; never in a receipt
  'documentUnavailable',
] as const;

export type RefusalCode = (typeof refusalCodes)[number];

export interface Refusal {
  readonly code: RefusalCode;
  /** A field, a limit or a height; never something a person wrote. */
  readonly detail: string | null;
}
