/** A step of the walk: an act of the ledger as JSON, for the method of its name and for tx_build, who signs it, and its outcome. */
import { hexOf } from '../../../node/rpc/json.ts';
import type { JsonObject } from '../../../node/rpc/contract.ts';
import type { ActionKind } from '../../../protocol/action.ts';
import type { Digest } from '../../../protocol/brand.ts';
import type { RefusalCode } from '../../../protocol/refusal.ts';
import { deriveOwnerSeed, formatToken, type PatientToken } from '../../../protocol/token.ts';
import { dayMs, digestOf, idOf } from '../domain.ts';
import { aSeed } from '../keys.ts';

export interface Clock {
  /** What the times of the walk count from: the ledger's time at the first step, or minutes before. */
  readonly startMs: number;
}

/** Where and when the walk is. */
export interface Setting extends Clock {
  readonly chainId: Digest;
  /** The present, from the start. */
  readonly elapsedMs: () => number;
  /** Approvals that carry a motion. */
  readonly quorum: number;
  /** How long a courier has to deliver a parcel that is lost. */
  readonly dueMs: number;
}

/** Steps in their order. A step that depends on the time is made when it is asked for. */
export type Story = Iterable<Step>;

export interface Step {
  readonly title: string;
  readonly kind: ActionKind;
  readonly member: string;
  /** For tx_build. */
  readonly body: JsonObject;
  /** For the method of the kind's name, without the signers. */
  readonly params: JsonObject;
  /** People and members' keys that sign: member and name. */
  readonly by: readonly (readonly [member: string, name: string])[];
  /** Of keys that no keystore holds and that sign, too: the patient's, and a newcomer's. */
  readonly seeds: readonly Uint8Array[];
  readonly outcome: 'committed' | RefusalCode;
  /** Block time that the step waits for. */
  readonly notBefore: number;
}

export interface StepInput {
  readonly by: string;
  readonly body: JsonObject;
  readonly outcome?: Step['outcome'];
  /** From the start. */
  readonly notBefore?: number;
  /** The prescription whose patient signs. */
  readonly owner?: string;
  readonly params?: JsonObject;
  readonly seeds?: readonly Uint8Array[];
}

export const hour = 3_600_000;
export const day: number = dayMs;

export function id(text: string): string {
  return hexOf(idOf(text));
}

export function digest(text: string): string {
  return hexOf(digestOf(text));
}

export function tokenOf(rx: string): PatientToken {
  return { rxId: idOf(rx), secret: aSeed(`token of ${rx}`) };
}

/** RFC 3339. */
export function timeAt({ startMs }: Clock, afterMs: number): string {
  return new Date(startMs + afterMs).toISOString();
}

/** `by` is `member: name + name, member: name`; the first member sends. */
export function stepOf(setting: Clock, kind: ActionKind, input: StepInput): Step {
  const by = input.by.split(', ').flatMap((group) => {
    const [member = '', names = ''] = group.split(': ');
    return names === '' ? [] : names.split(' + ').map((name) => [member, name] as const);
  });
  const owner = input.owner === undefined ? null : tokenOf(input.owner);
  const { body, outcome = 'committed', notBefore = 0 } = input;
  return {
    title: `${kind} by ${input.by}: ${outcome}`,
    kind,
    member: input.by.split(/[:,]/)[0] ?? '',
    body,
    params: input.params ?? (owner === null ? body : { ...body, token: formatToken(owner) }),
    by,
    seeds: [...(owner === null ? [] : [deriveOwnerSeed(owner)]), ...(input.seeds ?? [])],
    outcome,
    notBefore: setting.startMs + notBefore,
  };
}
