/** One way to meet a refusal through JSON-RPC, on the real ledger: what is refused, why, and how to come there. */
import assert from 'node:assert/strict';
import type { JsonObject, MethodName } from '../../../../node/rpc/contract.ts';
import type { ActionKind } from '../../../../protocol/action.ts';
import type { RefusalCode } from '../../../../protocol/refusal.ts';
import { byHand } from '../../../support/walk/ways.ts';
import { aWalk, take } from '../walk.ts';
import type { Step } from '../../../support/walk/step.ts';

export interface RefusalCase {
  readonly code: RefusalCode;
  /** The kind of action, or the method. */
  readonly refused: ActionKind | MethodName;
  /** The precondition that does not hold, told as what is the case instead. */
  readonly when: string;
  /** In a receipt, by the ledger; or as the error of the call, by this node: nothing was kept. */
  readonly by: 'ledger' | 'node';
  /** Goes there, and gives the answer's code. */
  readonly reach: () => Promise<string | null>;
}

/** The last step is refused with its outcome, the ones before it are committed; all of them built, signed and submitted. */
export function refusedWhen(when: string, ...steps: readonly Step[]): RefusalCase {
  const last = steps.at(-1);
  assert.ok(last !== undefined && last.outcome !== 'committed', 'the last step is refused');
  return {
    code: last.outcome,
    refused: last.kind,
    when,
    by: 'ledger',
    reach: async () => {
      const walk = aWalk();
      for (const step of steps.slice(0, -1)) {
        const { outcome } = await take(walk, step, byHand);
        assert.deepEqual([step.title, outcome], [step.title, 'committed']);
      }
      return (await take(walk, last, byHand)).outcome;
    },
  };
}

/** A step with other fields in its body, and what comes of it. */
export function altered(step: Step, fields: JsonObject, outcome: Step['outcome'] = 'committed'): Step {
  return { ...step, body: { ...step.body, ...fields }, outcome };
}
