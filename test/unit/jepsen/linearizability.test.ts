/** The checker of histories, against histories made by hand, good and bad, and against a search that knows no tricks. */
import assert from 'node:assert/strict';
import { checkLinearizable, type Model, type Order } from '../../jepsen/linearizability.ts';
import {
  prescriptionModel,
  promisedOrder,
  type Act,
  type Operation,
  type Outcome,
  type View,
} from '../../jepsen/prescription.ts';
import { seededRandom } from '../../../devnet/generator/random.ts';

const issue: Act = { kind: 'issue', units: 30 };
const read: Act = { kind: 'read' };
const cancel: Act = { kind: 'cancel' };
const reserve = (pharmacy: string): Act => ({ kind: 'reserve', pharmacy });
const giveBack = (pharmacy: string): Act => ({ kind: 'return', pharmacy });
const dispense = (pharmacy: string, units: number): Act => ({ kind: 'dispense', pharmacy, units });

const committed = (height: number, index = 0): Outcome => ({ kind: 'committed', place: { height, index } });
const refused = (code: string, height: number, index = 0): Outcome => ({
  kind: 'refused',
  code,
  place: { height, index },
});
const seen = (height: number | null, view: View | null): Outcome => ({ kind: 'seen', height, view });
const ready = (remaining = 30): View => ({ status: 'ready', holder: null, remaining });
const reserved = (holder: string): View => ({ status: 'reserved', holder, remaining: 30 });

/** From when to when, what, what came of it (null: unknown), and at which node (`a` unless told). */
type Line = readonly [from: number, to: number, act: Act, outcome: Outcome | null, node?: string];

function historyOf(lines: readonly Line[]): readonly Operation[] {
  return lines.map(([invokedAt, completedAt, act, outcome, node = 'a'], client) => ({
    client,
    node,
    rxId: 'rx',
    act,
    outcome,
    invokedAt,
    completedAt,
  }));
}

function verdictOn(lines: readonly Line[]): string {
  const options = { ...promisedOrder, configurationsMax: 100_000 };
  return checkLinearizable(prescriptionModel, historyOf(lines), options).kind;
}

const good: readonly (readonly [string, readonly Line[]])[] = [
  ['nothing at all', []],
  [
    'a whole life, one act after the other',
    [
      [0, 1, read, seen(null, null)],
      [2, 3, issue, committed(1)],
      [4, 5, reserve('p'), committed(2)],
      [6, 7, dispense('p', 10), committed(3)],
      [8, 9, giveBack('p'), committed(4)],
      [10, 11, reserve('q'), committed(5)],
      [12, 13, dispense('q', 21), refused('quantityExceeded', 6)],
      [14, 15, dispense('q', 20), committed(7)],
      [16, 17, cancel, refused('tooLate', 8)],
      [18, 19, read, seen(8, { status: 'dispensed', holder: null, remaining: 0 })],
    ],
  ],
  [
    'two that race for one fill: one wins',
    [
      [0, 1, issue, committed(1)],
      [2, 9, reserve('p'), refused('fillReserved', 2, 1)],
      [2, 9, reserve('q'), committed(2, 0)],
    ],
  ],
  [
    'an unknown outcome that took effect, much later',
    [
      [0, 1, issue, committed(1)],
      [2, 3, reserve('p'), null],
      [4, 5, read, seen(1, ready())],
      [6, 7, reserve('q'), refused('fillReserved', 5)],
    ],
  ],
  [
    'an unknown outcome that never took effect',
    [
      [0, 1, issue, committed(1)],
      [2, 3, reserve('p'), null],
      [4, 5, reserve('q'), committed(3)],
      [6, 7, dispense('q', 30), committed(4)],
    ],
  ],
  [
    'a read at a node that lags behind another one',
    [
      [0, 1, issue, committed(1)],
      [2, 3, reserve('p'), committed(2)],
      [4, 5, read, seen(1, ready()), 'b'],
      [6, 7, read, seen(2, reserved('p')), 'b'],
    ],
  ],
  [
    'a read that sees a write before its caller is told',
    [
      [0, 1, issue, committed(1)],
      [2, 9, reserve('p'), committed(2)],
      [4, 5, read, seen(2, reserved('p')), 'b'],
    ],
  ],
];

const bad: readonly (readonly [string, readonly Line[]])[] = [
  [
    'two pharmacies that hold one fill',
    [
      [0, 1, issue, committed(1)],
      [2, 9, reserve('p'), committed(2)],
      [2, 9, reserve('q'), committed(3)],
    ],
  ],
  [
    'an issue that succeeds twice',
    [
      [0, 9, issue, committed(1)],
      [0, 9, issue, committed(2)],
    ],
  ],
  [
    'more dispensed than prescribed',
    [
      [0, 1, issue, committed(1)],
      [2, 3, reserve('p'), committed(2)],
      [4, 9, dispense('p', 20), committed(3)],
      [4, 9, dispense('p', 20), committed(4)],
    ],
  ],
  [
    'an acknowledged write that is gone',
    [
      [0, 1, issue, committed(1)],
      [2, 3, reserve('p'), committed(2)],
      [4, 5, reserve('q'), committed(3)],
    ],
  ],
  [
    'a refusal without a reason',
    [
      [0, 1, issue, committed(1)],
      [2, 3, reserve('p'), refused('fillReserved', 2)],
    ],
  ],
  [
    'a node that forgets what it acknowledged',
    [
      [0, 1, issue, committed(1)],
      [2, 3, reserve('p'), committed(2)],
      [4, 5, read, seen(1, ready())],
    ],
  ],
  [
    'a node whose reads go back',
    [
      [0, 1, issue, committed(1)],
      [2, 9, reserve('p'), committed(2)],
      [3, 4, read, seen(2, reserved('p')), 'b'],
      [5, 6, read, seen(1, ready()), 'b'],
    ],
  ],
  [
    'a state that no order of the writes leads to',
    [
      [0, 1, issue, committed(1)],
      [2, 3, reserve('p'), committed(2)],
      [4, 5, read, seen(2, reserved('q')), 'b'],
    ],
  ],
  [
    'a read of another height than it says',
    [
      [0, 1, issue, committed(1)],
      [2, 9, reserve('p'), committed(5)],
      [4, 5, read, seen(3, reserved('p')), 'b'],
    ],
  ],
  [
    'a read of a write that is asked for only afterwards',
    [
      [0, 1, issue, committed(1)],
      [2, 3, read, seen(1, reserved('p')), 'b'],
      [4, 5, reserve('p'), null],
    ],
  ],
  [
    'places in the ledger against the order of time',
    [
      [0, 1, issue, committed(2)],
      [2, 3, reserve('p'), committed(1)],
    ],
  ],
  [
    'an unknown outcome that took effect twice',
    [
      [0, 1, issue, committed(1)],
      [2, 3, reserve('p'), committed(2)],
      [4, 5, dispense('p', 10), null],
      [6, 7, dispense('p', 5), committed(3)],
      [8, 9, read, seen(9, { status: 'dispensing', holder: 'p', remaining: 5 })],
    ],
  ],
  [
    'a cancelled prescription that is dispensed',
    [
      [0, 1, issue, committed(1)],
      [2, 3, reserve('p'), committed(2)],
      [4, 5, cancel, committed(3)],
      [6, 7, dispense('p', 1), committed(4)],
    ],
  ],
];

/** A counter that gives its value before: small enough for a search through every order. */
interface Count {
  readonly value: number | null;
  readonly from: number;
  readonly to: number;
}

const counter: Model<number, Count> = {
  initial: 0,
  apply: (state, { value }) => (value === null || value === state ? state + 1 : null),
  keyOf: String,
};

const realTime: Order<Count> = {
  isBefore: (first, second) => first.value !== null && first.to < second.from,
  isCertain: ({ value }) => value !== null,
};

/** By definition: some order of the certain ones and of any of the others. */
function hasOrder(state: number, rest: readonly Count[]): boolean {
  if (!rest.some(realTime.isCertain)) return true;
  return rest.some((next) => {
    const others = rest.filter((other) => other !== next);
    if (others.some((other) => realTime.isBefore(other, next))) return false;
    const after = counter.apply(state, next);
    return after !== null && hasOrder(after, others);
  });
}

describe('the checker of histories', () => {
  for (const [what, lines] of good) {
    it(`accepts ${what}`, () => {
      assert.equal(verdictOn(lines), 'linearizable');
    });
  }

  for (const [what, lines] of bad) {
    it(`finds ${what}`, () => {
      assert.equal(verdictOn(lines), 'violation');
    });
  }

  it('agrees with a search through every order, over 3,000 small histories', () => {
    const random = seededRandom(7);
    const verdicts = { linearizable: 0, violation: 0 };
    for (let round = 0; round < 3_000; round += 1) {
      const operations = Array.from({ length: 1 + random.below(6) }, (_, index): Count => {
        const from = random.below(20);
        const value = random.chance(0.2) ? null : Math.max(0, index - 1 + random.below(3));
        return { value, from, to: from + 1 + random.below(8) };
      });
      const options = { ...realTime, configurationsMax: 10_000 };
      const expected = hasOrder(0, operations) ? 'linearizable' : 'violation';
      const { kind } = checkLinearizable(counter, operations, options);
      assert.equal(kind, expected, JSON.stringify(operations));
      verdicts[expected] += 1;
    }
    assert.ok(verdicts.linearizable > 300 && verdicts.violation > 300, JSON.stringify(verdicts));
  });

  it('tells how far it came, and what fits nowhere', () => {
    const history = historyOf([
      [0, 1, issue, committed(1)],
      [2, 3, reserve('p'), committed(2)],
      [4, 5, reserve('q'), committed(3)],
    ]);
    const options = { ...promisedOrder, configurationsMax: 100 };
    assert.deepEqual(checkLinearizable(prescriptionModel, history, options), {
      kind: 'violation',
      ordered: history.slice(0, 2),
      state: { kind: 'open', holder: 'p', remaining: 30, units: 30 },
      rest: history.slice(2),
    });
  });

  it('gives up at its bound, without an answer', () => {
    const operations = Array.from({ length: 30 }, (): Count => ({ value: null, from: 0, to: 1 }));
    const last: Count = { value: 31, from: 0, to: 1 };
    const options = { ...realTime, configurationsMax: 20 };
    assert.deepEqual(checkLinearizable(counter, [...operations, last], options), {
      kind: 'undecided',
      configurationCount: 20,
    });
  });
});
