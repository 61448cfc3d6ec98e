/** domain.md is the specification: its tables of transitions are compared with the code, and those of states are made by it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { actionKinds } from '../../../protocol/action.ts';
import { compareText } from '../../../protocol/bytes.ts';
import { fillStatuses, type FillStatus } from '../../../protocol/fillStatus.ts';
import { present } from '../../../protocol/invariant.ts';
import { parcelStatuses, readParcel } from '../../../protocol/parcel.ts';
import { refusalCodes } from '../../../protocol/refusal.ts';
import {
  aCancel,
  aClose,
  aDeliver,
  aDispense,
  aFail,
  aFillPlan,
  aHold,
  aNominate,
  anAskRenewal,
  anAskSubstitution,
  anExtend,
  anIssue,
  aReceive,
  aRedirect,
  aRelease,
  aReport,
  aReserve,
  aReturn,
  aReview,
  aScan,
  aShip,
  aTakeBack,
  aWithdraw,
  dispensed,
  parcelId,
  rxId,
} from '../../support/acts.ts';
import {
  after,
  at,
  attempt,
  courier,
  dayMs,
  hourMs,
  idOf,
  keyOf,
  later,
  newWorld,
  noon,
  readerOf,
  statusIn,
  withWrites,
  type Act,
  type World,
} from '../../support/domain.ts';
import { aRevokeKey } from '../../support/people.ts';
import { casesByTheme } from '../rpc/refusals/allCases.ts';

// Compiled to dist/test/unit/protocol/, four folders below the top.
const top = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '..');
const manual = readFileSync(join(top, 'protocol', 'domain.md'), 'utf8');
const general = readFileSync(join(top, 'protocol', 'README.md'), 'utf8');
const governance = readFileSync(join(top, 'protocol', 'governance.md'), 'utf8');

interface Row {
  readonly kind: string;
  readonly refusals: readonly string[];
  /** What tests it, as text. */
  readonly test: string;
}

/** The rows of every table whose section names its tests, and those of governance.md, each of which names its own. */
function allRows(): readonly Row[] {
  const rows = manual.split(/^## /m).flatMap((section) => {
    const tests = testsIn(section.split('\n')[0] ?? '');
    return tests.length === 0 ? [] : linesOf(section).map((line) => rowOf(line, partsAbout(line, tests)));
  });
  return [...rows, ...linesOf(governance).map((line) => rowOf(line, testsIn(line).join('\n')))];
}

/** The lines of tables of transitions; those of states have more columns. */
function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => /^\| `\w+\.\w+`/.test(line) && line.split('|').length <= 7);
}

/** The texts of the test files that are named. */
function testsIn(text: string): readonly string[] {
  const files = [...text.matchAll(/`(\w+\.test\.ts)`/g)].map((match) => match[1] ?? '');
  return files.map((file) => readFileSync(join(top, 'test', 'unit', 'protocol', file), 'utf8'));
}

/** The parts of tests that are about the kind of a line. */
function partsAbout(line: string, tests: readonly string[]): string {
  const parts = tests.flatMap((text) => text.split(/^describe\('/m));
  return parts.filter((part) => part.startsWith(kindOf(line))).join('\n');
}

function kindOf(line: string): string {
  return /`([^`]+)`/.exec(line)?.[1] ?? '';
}

function rowOf(line: string, test: string): Row {
  return { kind: kindOf(line), refusals: codesIn(line.split('|')[4] ?? ''), test };
}

function codesIn(text: string): readonly string[] {
  const known: readonly string[] = refusalCodes;
  return [...text.matchAll(/`(\w+)`/g)].map((match) => match[1] ?? '').filter((code) => known.includes(code));
}

const rows = allRows();

/** Those that may stand before the ones of any row: who signs, and how a motion is opened. */
function sharedRefusals(): readonly string[] {
  const who = manual.split(/^## /m).find((section) => section.startsWith('Who signs')) ?? '';
  const opening = governance.split('\n').find((line) => line.includes('. O: ')) ?? '';
  return [...codesIn(who), ...codesIn(opening)];
}

describe('the tables of transitions', () => {
  const calls = Object.values(casesByTheme).flat();

  it('have a row for each kind of action, and no other', () => {
    assert.deepEqual(rows.map((row) => row.kind).toSorted(compareText), actionKinds.toSorted(compareText));
  });

  it('name refusals that the protocol has', () => {
    const known: readonly string[] = refusalCodes;
    const named = linesOf(`${manual}\n${governance}`).flatMap(
      (line) => (line.split('|')[4] ?? '').match(/(?<=`)\w+(?=`)/g) ?? [],
    );
    assert.deepEqual(
      named.filter((code) => !known.includes(code)),
      [],
    );
  });

  it('leave out no refusal: what is not in README.md or governance.md is in one of them', () => {
    const missing = refusalCodes.filter(
      (code) => ![manual, general, governance].some((text) => text.includes(`\`${code}\``)),
    );
    assert.deepEqual(missing, []);
  });

  it('name for each kind a test that reaches each of its refusals', () => {
    const untested = rows.flatMap(({ kind, refusals, test }) => {
      if (test === '') return [`${kind}: no test`];
      const isCalled = (code: string): boolean =>
        calls.some((call) => call.refused === kind && call.code === code);
      return refusals
        .filter((code) => !test.includes(`'${code}'`) && !isCalled(code))
        .map((code) => `${kind}: ${code}`);
    });
    assert.deepEqual(untested, []);
  });

  it('name in its row every refusal that a call meets', () => {
    const shared = sharedRefusals();
    const unnamed = calls.filter(({ refused, code }) => {
      const row = rows.find(({ kind }) => kind === refused);
      return row !== undefined && !row.refusals.includes(code) && !shared.includes(code);
    });
    assert.deepEqual(
      unnamed.map(({ refused, code }) => `${refused}: ${code}`),
      [],
    );
  });
});

/** What each act makes of each state, as a table: the state after it, or the refusal. */
function tableOf(
  states: ReadonlyMap<string, World>,
  acts: ReadonlyMap<string, Act>,
  stateOf: (world: World) => string,
): string {
  const head = ['', ...states.keys()].map((cell) => ` ${cell} `).join('|');
  const rule = [...states.keys(), ''].map(() => '---').join('|');
  const lines = [...acts].map(([title, act]) => {
    const cells = [...states.values()].map((world) => cellOf(world, act, stateOf));
    return `| \`${title}\` | ${cells.join(' | ')} |`;
  });
  return [`|${head}|`, `|${rule}|`, ...lines].join('\n');
}

function cellOf(world: World, act: Act, stateOf: (world: World) => string): string {
  const result = attempt(world, act);
  return result.ok ? `**${stateOf(withWrites(world, result.value))}**` : result.refusal.code;
}

describe('the table of the states of a fill', () => {
  const issued = after(newWorld, anIssue());
  const pending = after(newWorld, anIssue({ body: { reviewRequired: true } }));
  const reserved = after(issued, aReserve());
  const part = aDispense({ body: { items: [dispensed(0, 10)] } });
  const rest = aDispense({ body: { eventId: idOf('rest'), items: [dispensed(0, 20), dispensed(1, 20)] } });
  const dispensing = after(reserved, part);
  const end = at(noon + hourMs);
  const short = anIssue({ body: { validUntil: end, fills: [aFillPlan(rxId, 0, { start: noon, end })] } });
  const more = aDispense({
    body: { eventId: idOf('more'), items: [dispensed(0, 20), dispensed(1, 20)] },
  });
  const worlds: { readonly [Status in FillStatus]: World } = {
    pendingReview: pending,
    ready: issued,
    reserved,
    dispensing,
    dispensed: after(dispensing, rest),
    closed: after(dispensing, aClose({ body: { outcome: 'partial' } })),
    refused: after(pending, aReview({ body: { outcome: 'refuse' } })),
    cancelled: after(issued, aCancel()),
    expired: later(after(newWorld, short), hourMs),
    voided: after(issued, aRevokeKey()),
  };
  const byOwner = { keys: [keyOf('owner')] };
  const acts = new Map<string, Act>([
    ['rx.review', aReview()],
    ['rx.cancel', aCancel(byOwner)],
    ['rx.hold', aHold(byOwner)],
    ['rx.nominate', aNominate()],
    ['rx.redirect', aRedirect()],
    ['substitution.request', anAskSubstitution()],
    ['renewal.request', anAskRenewal()],
    ['fill.reserve', aReserve()],
    ['fill.extend', anExtend()],
    ['fill.return', aReturn()],
    ['fill.dispense', more],
    ['fill.close complete', aClose()],
    ['fill.close partial', aClose({ body: { outcome: 'partial' } })],
    ['fill.withdraw', aWithdraw()],
    ['delivery.ship', aShip()],
    ['delivery.receive', aReceive({ body: { parcelId: null } })],
  ]);

  it('begins in every state', () => {
    assert.deepEqual(
      fillStatuses.filter((status) => statusIn(worlds[status]) !== status),
      [],
    );
  });

  it('is what the code does', () => {
    const states = new Map(fillStatuses.map((status) => [status, worlds[status]]));
    const table = tableOf(states, acts, (world) => statusIn(world));
    assert.ok(manual.includes(table), `domain.md must hold this table:\n${table}`);
  });

  it('is the same for a release', () => {
    const held = after(reserved, aHold(byOwner), aRelease(byOwner));
    assert.equal(statusIn(held), 'reserved');
  });
});

describe('the table of the states of a parcel', () => {
  const shipped = after(newWorld, anIssue(), aReserve(), aDispense(), aShip());
  const delivered = after(shipped, aDeliver());
  const failed = after(shipped, aFail());
  const late = 2 * dayMs;
  const worlds: { readonly [Status in (typeof parcelStatuses)[number]]: World } = {
    inTransit: later(shipped, late),
    delivered: later(delivered, late),
    received: later(after(delivered, aReceive()), late),
    failed: later(failed, late),
    returned: later(after(failed, aTakeBack()), late),
  };
  const acts = new Map<string, Act>([
    ['delivery.scan', aScan({ keys: [keyOf('rider'), keyOf('hub clerk')], body: { to: courier } })],
    ['delivery.deliver', aDeliver()],
    ['delivery.receive', aReceive()],
    ['delivery.fail', aFail()],
    ['delivery.return', aTakeBack()],
    ['delivery.report', aReport()],
  ]);

  it('is what the code does', () => {
    const states = new Map(parcelStatuses.map((status) => [status, worlds[status]]));
    const table = tableOf(
      states,
      acts,
      (world) => present(readParcel(readerOf(world), parcelId), 'shipped').status,
    );
    assert.ok(manual.includes(table), `domain.md must hold this table:\n${table}`);
  });
});
