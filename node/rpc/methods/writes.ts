/** The writes whose parameters are the body of their action, as it stands in the protocol. */
import { bodySchemas, type ActionKind, type Action } from '../../../protocol/action.ts';
import * as z from 'zod';
import type { Id } from '../../../protocol/brand.ts';
import { accepted } from '../../../protocol/result.ts';
import type { Signer } from '../../../protocol/signature.ts';
import { deriveOwnerSeed, parseToken } from '../../../protocol/token.ts';
import type { MethodName } from '../contract.ts';
import { fault, type Outcome } from '../errors.ts';
import { method, type Method, type RpcContext } from '../method.ts';
import { writeResultSchema } from '../resultSchemas.ts';
import { bodyOf, withWriteShape, write, type WriteChoice } from '../write.ts';
import { tokenJson } from './rx.ts';

/**
 * Who signs: `named`, the keys that the caller names; `admin`, the member's admin key unless the caller names another;
 * `owner`, the named keys, the patient's owner key (by their token), or both.
 */
type SignerChoice = 'named' | 'admin' | 'owner';

const writes = {
  rx_review: ['rx.review', 'named', 'A pharmacist approves, refuses or queries a prescription.'],
  rx_cancel: [
    'rx.cancel',
    'owner',
    'Cancels a prescription or one fill: signed by the prescriber, or by the patient with their token.',
  ],
  rx_hold: [
    'rx.hold',
    'owner',
    'Holds a prescription or one fill: nothing is supplied until whoever holds it releases it.',
  ],
  rx_release: ['rx.release', 'owner', "Lifts the signer's own hold."],
  rx_nominate: [
    'rx.nominate',
    'owner',
    'The patient chooses the pharmacy that alone may reserve, without their code; or, with null, any pharmacy again.',
  ],
  rx_redirect: [
    'rx.redirect',
    'owner',
    'The patient moves a fill from the pharmacy that holds it to another one.',
  ],
  substitution_request: [
    'substitution.request',
    'named',
    'The holder asks the prescriber whether an item may be substituted.',
  ],
  substitution_decide: [
    'substitution.decide',
    'named',
    'The prescriber allows a substitution, or denies it.',
  ],
  renewal_request: [
    'renewal.request',
    'owner',
    'The patient, or a pharmacy that supplied it, asks for a prescription that follows this one.',
  ],
  renewal_decide: [
    'renewal.decide',
    'named',
    'The prescriber names the prescription that follows, or denies it with null.',
  ],
  fill_extend: ['fill.extend', 'named', 'The holder keeps a fill for longer.'],
  fill_return: ['fill.return', 'named', 'Gives a reserved fill, or its rest, back for another pharmacy.'],
  fill_dispense: [
    'fill.dispense',
    'named',
    'Records what was handed out of a reserved fill, whole or in part.',
  ],
  fill_close: ['fill.close', 'named', 'Ends a fill: complete, or with the rest given up.'],
  fill_withdraw: [
    'fill.withdraw',
    'owner',
    'Takes a supply back: its units are the fill’s again. What the patient has received needs their token, too.',
  ],
  delivery_ship: ['delivery.ship', 'named', 'Hands a parcel over to a courier; both sign.'],
  delivery_scan: [
    'delivery.scan',
    'named',
    'Hands a parcel over between couriers, riders or hubs; both persons sign.',
  ],
  delivery_deliver: ['delivery.deliver', 'named', 'The courier has delivered the parcel.'],
  delivery_fail: ['delivery.fail', 'named', 'The courier cannot deliver the parcel, and takes it back.'],
  delivery_return: ['delivery.return', 'named', 'The pharmacy takes an undelivered parcel back; both sign.'],
  delivery_report: [
    'delivery.report',
    'owner',
    'Reports that a parcel is due and not delivered, by the patient or the pharmacy.',
  ],
  claim_estimate: ['claim.estimate', 'named', 'Asks the insurer for its part, before hand-over.'],
  claim_adjudicate: [
    'claim.adjudicate',
    'named',
    'The insurer tells what it covers and what the patient pays.',
  ],
  claim_pay: ['claim.pay', 'named', 'The patient has paid their own part.'],
  claim_submit: ['claim.submit', 'named', 'Claims what was dispensed.'],
  claim_dispute: ['claim.dispute', 'named', 'One side names what it would settle a submitted claim for.'],
  claim_accept: [
    'claim.accept',
    'named',
    'Accepts a submitted claim, or the offer of the other side: the amount is final.',
  ],
  claim_reverse: [
    'claim.reverse',
    'named',
    'The pharmacy takes a claim back: whole before it is accepted, by lines afterwards.',
  ],
  claim_recoup: [
    'claim.recoup',
    'named',
    'The insurer takes back part of an accepted claim; both sides sign.',
  ],
  settle_propose: [
    'settle.propose',
    'named',
    'The insurer proposes a statement of a period: over the sums that it names, or over whatever is open.',
  ],
  settle_dispute: ['settle.dispute', 'named', 'The pharmacy does not agree with a statement yet.'],
  settle_confirm: ['settle.confirm', 'named', 'The pharmacy confirms the statement of a period.'],
  settle_paid: ['settle.paid', 'named', 'Whoever owed has paid a confirmed statement.'],
  settle_net: ['settle.net', 'named', 'Proposes a round of netting over confirmed statements of many pairs.'],
  settle_agree: ['settle.agree', 'named', 'Agrees to the own net of a round.'],
  settle_transfer: ['settle.transfer', 'named', 'A debtor of a round has paid one of its transfers.'],
  practitioner_register: [
    'practitioner.register',
    'admin',
    'This member registers a practitioner with role, scopes and keys; signed by its admin key and by each of the keys.',
  ],
  practitioner_scope: [
    'practitioner.scope',
    'admin',
    'This member changes what one of its practitioners may do, and until when.',
  ],
  practitioner_suspend: [
    'practitioner.suspend',
    'admin',
    'The employer or a regulator suspends a practitioner, wholly or in one scope.',
  ],
  practitioner_reinstate: [
    'practitioner.reinstate',
    'admin',
    'Whoever suspended a practitioner lifts the suspension.',
  ],
  key_add: [
    'key.add',
    'admin',
    'This member adds a key to one of its practitioners; signed by its admin key and by the new key.',
  ],
  key_rotate: [
    'key.rotate',
    'admin',
    'This member replaces a key of one of its practitioners; signed by its admin key and by the new key.',
  ],
  key_revoke: [
    'key.revoke',
    'admin',
    'The employer or a regulator revokes a key, as superseded or as compromised since a time.',
  ],
  delegation_grant: [
    'delegation.grant',
    'named',
    'A doctor lets a colleague issue in their name: some classes, so many a day, until a time.',
  ],
  delegation_revoke: ['delegation.revoke', 'named', 'Ends a delegation.'],
} as const satisfies Partial<Record<MethodName, readonly [ActionKind, SignerChoice, string]>>;

interface Given extends WriteChoice {
  readonly token: string | null;
}

interface Definition {
  readonly kind: ActionKind;
  readonly signer: SignerChoice;
  readonly summary: string;
}

function writeMethod(name: keyof typeof writes, { kind, signer, summary }: Definition): Method {
  const body: z.ZodType = bodySchemas[kind];
  const params = withWriteShape<object>(body as z.ZodType<object>) as unknown as z.ZodObject;
  const token = tokenJson.nullable().default(null);
  return method<typeof name, Given>(name, {
    summary,
    params: (signer === 'owner' ? params.extend({ token }) : params) as unknown as z.ZodType<Given>,
    result: writeResultSchema,
    handle: (given, context) => {
      const practitioner = given.practitioner ?? (signer === 'admin' ? 'admin' : null);
      const { token: secret, ...rest } = given;
      const choice = { ...rest, practitioner };
      const call = { method: name, params: { ...given, waitFor: null, timeoutMs: null }, choice };
      return write(context, call, () => {
        const owner =
          signer === 'owner' ? ownerOf(context, secret, bodyOf<{ readonly rxId?: Id }>(rest)) : accepted([]);
        if (!owner.ok) return owner;
        // The schema of the kind has just accepted the body.
        const action = { kind, body: bodyOf(rest) } as unknown as Action;
        return accepted({ action, seals: [], signers: owner.value, extra: {} });
      });
    },
  });
}

/** The owner key of the token, which must be of the prescription that the body names, if it names one. */
function ownerOf(
  { ports }: RpcContext,
  text: string | null,
  body: { readonly rxId?: Id },
): Outcome<readonly Signer[]> {
  if (text === null) return accepted([]);
  const token = parseToken(text);
  if (!token.ok || (body.rxId !== undefined && body.rxId !== token.value.rxId))
    return fault('invalidParams', 'token');
  return accepted([ports.signerFromSeed(deriveOwnerSeed(token.value))]);
}

export const writeMethods: readonly Method[] = Object.entries(writes).map(([name, [kind, signer, summary]]) =>
  writeMethod(name as keyof typeof writes, { kind, signer, summary }),
);
