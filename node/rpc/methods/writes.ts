/** The writes whose parameters are the body of their action, as it stands in the protocol. */
import { bodySchemas, type ActionKind, type Action } from '../../../protocol/action.ts';
import * as z from 'zod';
import { accepted } from '../../../protocol/result.ts';
import type { MethodName } from '../contract.ts';
import { method, type Method } from '../method.ts';
import { writeResultSchema } from '../resultSchemas.ts';
import { bodyOf, withWriteShape, write, type WriteChoice } from '../write.ts';

const summaries = {
  rx_review: ['rx.review', 'A pharmacist approves, refuses or queries a prescription.'],
  fill_return: ['fill.return', 'Gives a reserved fill, or its rest, back for another pharmacy.'],
  fill_dispense: ['fill.dispense', 'Records what was handed out of a reserved fill, whole or in part.'],
  fill_close: ['fill.close', 'Ends a fill: complete, or with the rest given up.'],
  delivery_ship: ['delivery.ship', 'Hands a parcel over to a courier; both sign.'],
  delivery_deliver: ['delivery.deliver', 'The courier has delivered the parcel.'],
  claim_estimate: ['claim.estimate', 'Asks the insurer for its part, before hand-over.'],
  claim_adjudicate: ['claim.adjudicate', 'The insurer tells what it covers and what the patient pays.'],
  claim_pay: ['claim.pay', 'The patient has paid their own part.'],
  claim_submit: ['claim.submit', 'Claims what was dispensed.'],
  claim_accept: ['claim.accept', 'Accepts a submitted claim: its amount is final.'],
  settle_propose: [
    'settle.propose',
    'The insurer proposes a statement of a period; its sums are those of settle_position.',
  ],
  settle_confirm: ['settle.confirm', 'The pharmacy confirms the statement of a period.'],
  settle_paid: ['settle.paid', 'The insurer has paid a confirmed statement.'],
} as const satisfies Partial<Record<MethodName, readonly [ActionKind, string]>>;

function writeMethod(name: keyof typeof summaries, kind: ActionKind, summary: string): Method {
  const body: z.ZodType = bodySchemas[kind];
  return method<typeof name, object & WriteChoice>(name, {
    summary,
    params: withWriteShape<object>(body as z.ZodType<object>),
    result: writeResultSchema,
    handle: (given, context) => {
      const call = { method: name, params: { ...given, waitFor: null, timeoutMs: null }, choice: given };
      // The schema of the kind has just accepted the body.
      const action = { kind, body: bodyOf(given) } as unknown as Action;
      return write(context, call, () => accepted({ action, seals: [], signers: [], extra: {} }));
    },
  });
}

export const writeMethods: readonly Method[] = Object.entries(summaries).map(([name, [kind, summary]]) =>
  writeMethod(name as keyof typeof summaries, kind, summary),
);
