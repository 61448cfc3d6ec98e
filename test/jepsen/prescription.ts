/**
 * What a prescription of one fill should do, written anew and from the words of protocol/domain.md alone: nothing of the node's own code is
 * used, so that a mistake there is not made here too. Times play no part: reservations and validity outlast every history.
 */
import type { Model, Order } from './linearizability.ts';

export type Act =
  | { readonly kind: 'issue'; readonly units: number }
  | { readonly kind: 'reserve'; readonly pharmacy: string }
  | { readonly kind: 'return'; readonly pharmacy: string }
  | { readonly kind: 'dispense'; readonly pharmacy: string; readonly units: number }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'read' };

/** What a node's answer says of the fill. `holder` counts only while it is reserved or being dispensed. */
export interface View {
  readonly status: string;
  readonly holder: string | null;
  readonly remaining: number;
}

/** Where the one order of the ledger has it. */
interface Place {
  readonly height: number;
  readonly index: number;
}

export type Outcome =
  | { readonly kind: 'committed'; readonly place: Place }
  | { readonly kind: 'refused'; readonly code: string; readonly place: Place }
  /** A read, as of the block at this height; null: the node knows no such prescription, and tells no height. */
  | { readonly kind: 'seen'; readonly view: View | null; readonly height: number | null };

export interface Operation {
  readonly client: number;
  /** Who answered. */
  readonly node: string;
  readonly rxId: string;
  readonly act: Act;
  /** Null: unknown. A write that was refused for good, or never left, is no operation at all. */
  readonly outcome: Outcome | null;
  /** Milliseconds on one clock. */
  readonly invokedAt: number;
  readonly completedAt: number;
}

export type Fill =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'open';
      readonly holder: string | null;
      readonly remaining: number;
      readonly units: number;
    }
  | { readonly kind: 'dispensed' }
  | { readonly kind: 'cancelled'; readonly remaining: number };

type Next = { readonly fill: Fill } | { readonly code: string };

function held(fill: Fill, pharmacy: string): string | null {
  if (fill.kind === 'none') return 'prescriptionUnknown';
  if (fill.kind === 'cancelled') return 'prescriptionNotOpen';
  if (fill.kind === 'dispensed' || fill.holder === null) return 'fillNotReserved';
  return fill.holder === pharmacy ? null : 'notHolder';
}

function reserve(fill: Fill, pharmacy: string): Next {
  if (fill.kind === 'none') return { code: 'prescriptionUnknown' };
  if (fill.kind === 'cancelled') return { code: 'prescriptionNotOpen' };
  if (fill.kind === 'dispensed') return { code: 'fillNotReady' };
  if (fill.holder === null || fill.holder === pharmacy) return { fill: { ...fill, holder: pharmacy } };
  return { code: 'fillReserved' };
}

function dispense(fill: Fill, pharmacy: string, units: number): Next {
  const code = held(fill, pharmacy);
  if (code !== null || fill.kind !== 'open') return { code: code ?? 'fillNotReserved' };
  const remaining = fill.remaining - units;
  if (remaining < 0) return { code: 'quantityExceeded' };
  return { fill: remaining === 0 ? { kind: 'dispensed' } : { ...fill, remaining } };
}

function cancel(fill: Fill): Next {
  if (fill.kind === 'none') return { code: 'prescriptionUnknown' };
  if (fill.kind === 'cancelled') return { code: 'prescriptionNotOpen' };
  if (fill.kind === 'dispensed') return { code: 'tooLate' };
  return { fill: { kind: 'cancelled', remaining: fill.remaining } };
}

function returnFill(fill: Fill, pharmacy: string): Next {
  const code = held(fill, pharmacy);
  if (code !== null || fill.kind !== 'open') return { code: code ?? 'fillNotReserved' };
  return { fill: { ...fill, holder: null } };
}

function act(fill: Fill, what: Exclude<Act, { readonly kind: 'read' }>): Next {
  switch (what.kind) {
    case 'issue':
      if (fill.kind !== 'none') return { code: 'prescriptionExists' };
      return { fill: { kind: 'open', holder: null, remaining: what.units, units: what.units } };
    case 'reserve':
      return reserve(fill, what.pharmacy);
    case 'return':
      return returnFill(fill, what.pharmacy);
    case 'dispense':
      return dispense(fill, what.pharmacy, what.units);
    case 'cancel':
      return cancel(fill);
    default:
      return what satisfies never;
  }
}

function viewOf(fill: Fill): View | null {
  switch (fill.kind) {
    case 'none':
      return null;
    case 'dispensed':
      return { status: 'dispensed', holder: null, remaining: 0 };
    case 'cancelled':
      return { status: 'cancelled', holder: null, remaining: fill.remaining };
    case 'open': {
      const { holder, remaining, units } = fill;
      const status = holder === null ? 'ready' : remaining < units ? 'dispensing' : 'reserved';
      return { status, holder, remaining };
    }
    default:
      return fill satisfies never;
  }
}

function isSeen(fill: Fill, view: View | null): boolean {
  const expected = viewOf(fill);
  if (view === null || expected === null) return view === expected;
  return (
    view.status === expected.status &&
    view.holder === expected.holder &&
    view.remaining === expected.remaining
  );
}

export const prescriptionModel: Model<Fill, Operation> = {
  initial: { kind: 'none' },
  apply: (fill, { act: what, outcome }) => {
    if (what.kind === 'read') {
      return outcome?.kind === 'seen' && isSeen(fill, outcome.view) ? fill : null;
    }
    const next = act(fill, what);
    // Unknown and refused: the same as if it had never happened.
    if (outcome === null) return 'fill' in next ? next.fill : null;
    if (outcome.kind === 'committed') return 'fill' in next ? next.fill : null;
    return outcome.kind === 'refused' && 'code' in next && next.code === outcome.code ? fill : null;
  },
  keyOf: (fill) => JSON.stringify(fill),
};

function comesBefore(first: Outcome | null, second: Outcome | null): boolean {
  if (first === null || second === null) return false;
  const from = placeOf(first);
  const to = placeOf(second);
  if (from === null || to === null) return false;
  return from.height < to.height || (from.height === to.height && from.index < to.index);
}

/** A read of a height stands behind everything in its block. */
function placeOf(outcome: Outcome): Place | null {
  if (outcome.kind !== 'seen') return outcome.place;
  return outcome.height === null ? null : { height: outcome.height, index: Number.POSITIVE_INFINITY };
}

/**
 * What the interface promises (node/rpc/README.md). Writes: what was answered comes before what is asked for afterwards, at whatever node.
 * Reads: each node answers from its own prefix of the one order, which may be an older one than another node's; so a read comes after what
 * the same node has answered, and before every write that is asked for after it. And each stands where its height says.
 */
export const promisedOrder: Order<Operation> = {
  isCertain: (operation) => operation.outcome !== null,
  isBefore: (first, second) => {
    if (comesBefore(first.outcome, second.outcome)) return true;
    if (first.outcome === null || first.completedAt >= second.invokedAt) return false;
    return second.act.kind !== 'read' || first.node === second.node;
  },
};
