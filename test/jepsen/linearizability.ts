/**
 * Is there an order of these operations in which a sequential object could have given just these answers? The search of Wing and Gong
 * (1993) with Lowe's memory of what was tried (2017): from each set of operations already put in order, and each state they led to, every
 * operation that may come next is tried, and no pair of set and state twice. One object at a time: linearizability is local (Herlihy and
 * Wing 1990, §3.3), so a history of many prescriptions is as many small searches.
 */

export interface Model<State, Operation> {
  readonly initial: State;
  /** The state after it; null if it cannot have had its outcome in this state. */
  readonly apply: (state: State, operation: Operation) => State | null;
  /** Equal for equal states. */
  readonly keyOf: (state: State) => string;
}

export interface Order<Operation> {
  /** Must `first` come before `second`? Need not be transitive. */
  readonly isBefore: (first: Operation, second: Operation) => boolean;
  /** False where the outcome is unknown: then it may have happened at any later time, or never. */
  readonly isCertain: (operation: Operation) => boolean;
}

export type Verdict<State, Operation> =
  | { readonly kind: 'linearizable'; readonly configurationCount: number }
  /** The furthest that any order came: what was put in order, the state that led to, and what then fits nowhere. */
  | {
      readonly kind: 'violation';
      readonly ordered: readonly Operation[];
      readonly state: State;
      readonly rest: readonly Operation[];
    }
  /** The bound was reached first: no answer. */
  | { readonly kind: 'undecided'; readonly configurationCount: number };

interface Configuration<State> {
  /** Bit i: the i-th operation is in order. */
  readonly done: bigint;
  readonly state: State;
  readonly previous: Configuration<State> | null;
  /** Of the operation that was put in order last; -1 at the start. */
  readonly last: number;
  readonly depth: number;
}

interface Prepared<Operation> {
  readonly operations: readonly Operation[];
  /** For each operation those that must be in order before it. */
  readonly before: readonly bigint[];
  /** All that have certainly happened. */
  readonly certain: bigint;
}

function prepare<Operation>(operations: readonly Operation[], order: Order<Operation>): Prepared<Operation> {
  const bits = (isIn: (operation: Operation) => boolean): bigint =>
    operations.reduce(
      (mask, operation, index) => (isIn(operation) ? mask | (1n << BigInt(index)) : mask),
      0n,
    );
  return {
    operations,
    before: operations.map((second) => bits((first) => first !== second && order.isBefore(first, second))),
    certain: bits((operation) => order.isCertain(operation)),
  };
}

function orderedIn<State, Operation>(
  { operations }: Prepared<Operation>,
  configuration: Configuration<State>,
): readonly Operation[] {
  const ordered: Operation[] = [];
  for (let at: Configuration<State> | null = configuration; at !== null; at = at.previous) {
    const operation = operations[at.last];
    if (operation !== undefined) ordered.push(operation);
  }
  return ordered.toReversed();
}

/** `operations` should come in the order of their invocation: then a good history is found good with little search. */
export function checkLinearizable<State, Operation>(
  model: Model<State, Operation>,
  operations: readonly Operation[],
  options: Order<Operation> & { readonly configurationsMax: number },
): Verdict<State, Operation> {
  const prepared = prepare(operations, options);
  const { before, certain } = prepared;
  const seen = new Set<string>();
  const start = { done: 0n, state: model.initial, previous: null, last: -1, depth: 0 };
  const stack: Configuration<State>[] = [start];
  let furthest: Configuration<State> = start;
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const { done, state } = at;
    if ((done & certain) === certain) return { kind: 'linearizable', configurationCount: seen.size };
    const key = `${done.toString(36)} ${model.keyOf(state)}`;
    if (seen.has(key)) continue;
    seen.add(key);
    if (seen.size >= options.configurationsMax) {
      return { kind: 'undecided', configurationCount: seen.size };
    }
    if (at.depth > furthest.depth) furthest = at;
    // Pushed from the last to the first, so that the first is tried first.
    for (let index = operations.length - 1; index >= 0; index -= 1) {
      const bit = 1n << BigInt(index);
      const operation = operations[index];
      if (operation === undefined || (done & bit) !== 0n) continue;
      if (((before[index] ?? 0n) & ~done) !== 0n) continue;
      const next = model.apply(state, operation);
      if (next === null) continue;
      stack.push({ done: done | bit, state: next, previous: at, last: index, depth: at.depth + 1 });
    }
  }
  const ordered = orderedIn(prepared, furthest);
  const rest = operations.filter((operation) => options.isCertain(operation) && !ordered.includes(operation));
  return { kind: 'violation', ordered, state: furthest.state, rest };
}
