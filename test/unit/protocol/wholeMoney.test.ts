/** Random books of two pharmacies and two insurers, judged by the code and by a naive model of domain.md: the same answer to every act. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Id, MemberName } from '../../../protocol/brand.ts';
import { readClaim, type Claim } from '../../../protocol/claim.ts';
import { present } from '../../../protocol/invariant.ts';
import { readPrescription, type Prescription } from '../../../protocol/prescription.ts';
import { readRound, type Round } from '../../../protocol/round.ts';
import {
  readOpenPosition,
  readStatement,
  type OpenPosition,
  type Statement,
} from '../../../protocol/settlement.ts';
import { aFillPlan, anIssue, aReserve, aRivalReserve } from '../../support/acts.ts';
import {
  after,
  at,
  attempt,
  dayMs,
  hourMs,
  idOf,
  newWorld,
  noon,
  pharmacy,
  readerOf,
  rival,
  underPolicy,
  type World,
} from '../../support/domain.ts';
import { drawFrom } from '../../support/moneyActs.ts';
import {
  adjudicationMs,
  isSamePair,
  newBooks,
  sum,
  sumsIn,
  type Books,
  type NaiveClaim,
} from '../../support/moneyBooks.ts';
import { judge } from '../../support/moneySettling.ts';
import { drawAct } from '../../support/moneySettlingActs.ts';

/** Seeds of commands: what there is to do depends on what was done. */
const commandsArbitrary = fc.array(fc.noBias(fc.integer({ min: 0, max: 0xffff_ffff })), {
  minLength: 100,
  maxLength: 140,
  size: 'max',
});

const holders = new Map<Id, MemberName>([
  [idOf('prescription 0'), pharmacy],
  [idOf('prescription 1'), rival],
  [idOf('prescription 2'), pharmacy],
]);
const end = at(noon + 85 * dayMs);
const policy = { adjudicationMs, reserveMsMax: { counter: 90 * dayMs, courier: 90 * dayMs } };
const start = after(
  underPolicy(newWorld, policy),
  ...[...holders].flatMap(([rxId, holder]) => {
    const fills = [aFillPlan(rxId, 0, { start: noon, end })];
    const body = { rxId, until: end };
    return [
      anIssue({ body: { rxId, class: 'chronic', validUntil: end, fills } }),
      holder === rival ? aRivalReserve({ body }) : aReserve({ body }),
    ];
  }),
);

/** Of acts; waiting is none. */
const kindCount = 20;

/** The records of the books, as they were written last. */
interface Ledger {
  readonly prescriptions: Map<string, Prescription>;
  readonly claims: Map<string, Claim>;
  readonly positions: Map<string, OpenPosition>;
  readonly statements: Map<string, Statement>;
  readonly rounds: Map<string, Round>;
}

function put<T>(into: Map<string, T>, key: string, record: T | null): void {
  assert.ok(record !== null, key);
  into.set(key, record);
}

function readInto(ledger: Ledger, world: World, key: string): void {
  const state = readerOf(world);
  const [table = '', first = '', second = '', period = ''] = key.split('/');
  const pair = { insurer: first as MemberName, pharmacy: second as MemberName };
  if (table === 'rx') put(ledger.prescriptions, key, readPrescription(state, first as Id));
  if (table === 'claim') put(ledger.claims, key, readClaim(state, first as Id));
  if (table === 'open') put(ledger.positions, key, readOpenPosition(state, pair));
  if (table === 'statement') put(ledger.statements, key, readStatement(state, pair, period));
  if (table === 'round') put(ledger.rounds, key, readRound(state, first));
}

/** A claim's record in the words of the model. */
function pictureOf(claim: Claim): NaiveClaim {
  const { claimId, rxId, insurer, lines, status, adjudication, dispute } = claim;
  return {
    claimId,
    rxId,
    pharmacy: claim.pharmacy,
    insurer,
    sinceMs: claim.estimatedMs,
    lines,
    status,
    covered: adjudication?.lines.map((line) => line.covered) ?? [],
    patientPays: adjudication?.lines.map((line) => line.patientPays) ?? [],
    events: [...claim.eventIds],
    offer: dispute === null ? null : { by: dispute.by, covered: dispute.covered },
    settled: claim.settled ?? [],
    back: claim.reversed.map(({ units, covered, patientPays }) => ({ units, covered, patientPays })),
    backCount: claim.reversalCount,
  };
}

/** The record is what the books say. */
function compare(ledger: Ledger, books: Books, key: string): void {
  const claim = ledger.claims.get(key);
  if (claim !== undefined)
    assert.deepEqual(
      pictureOf(claim),
      books.claims.find((one) => one.claimId === claim.claimId),
    );
  const statement = ledger.statements.get(key);
  if (statement !== undefined) {
    const { period, status, round, count, total, claimsRoot } = statement;
    const own = books.statements.find((one) => isSamePair(one, statement) && one.period === period);
    assert.deepEqual({ status, round }, { status: own?.status, round: own?.round });
    assert.deepEqual({ count, total, claimsRoot }, sumsIn(books, statement, period), 'I10: a statement');
  }
  const position = ledger.positions.get(key);
  if (position !== undefined) {
    const [, insurer = '', second = ''] = key.split('/');
    const pair = { insurer, pharmacy: second };
    const { statementIndex, ...sums } = position;
    assert.deepEqual(sums, sumsIn(books, pair, null), 'I10: what is open');
    assert.equal(statementIndex, books.statements.filter((one) => isSamePair(one, pair)).length);
  }
  const round = ledger.rounds.get(key);
  if (round !== undefined) {
    const own = books.rounds.find((one) => one.round === round.round);
    assert.deepEqual(
      [round.status, round.nets.map(({ member, net, hasAgreed }) => [member, net, hasAgreed])],
      [
        own?.status,
        [...(own?.nets ?? [])]
          .map(([member, net]) => [member, net, own?.agreed.has(member)] as const)
          .toSorted(([a], [b]) => (a < b ? -1 : 1)),
      ],
    );
    assert.deepEqual(
      round.transfers.map(({ from, to, amount, paymentRef }) => [from, to, amount, paymentRef !== null]),
      own?.transfers.map(({ from, to, amount, isMade }) => [from, to, amount, isMade]),
    );
  }
  const prescription = ledger.prescriptions.get(key);
  if (prescription !== undefined) {
    assert.deepEqual(
      prescription.fills[0]?.events.map(({ eventId, receivedMs, withdrawnMs, claimId }) => {
        return [eventId, receivedMs !== null, withdrawnMs !== null, claimId];
      }),
      books.fills.get(prescription.rxId)?.supplies.map((one) => {
        return [one.eventId, one.isReceived, one.isWithdrawn, one.claimId];
      }),
    );
  }
}

/** I8 and I12, of one claim's record alone. */
function checkClaim({ lines, total, adjudication, settled, reversed }: Claim): void {
  for (const [index, { units, price }] of lines.entries()) {
    const split = adjudication?.lines[index];
    if (split !== undefined) assert.equal(split.covered + split.patientPays, price, 'I8: a line');
    const back = reversed[index];
    if (back === undefined) continue;
    assert.ok(back.units <= units, 'I12: units');
    assert.ok(back.covered <= (settled?.[index] ?? 0), 'I12: covered');
    assert.ok(back.patientPays <= (split?.patientPays ?? 0), 'I12: what the patient paid');
  }
  if (adjudication !== null && adjudication.outcome !== 'unknown')
    assert.equal(adjudication.covered + adjudication.patientPays, total, 'I8: the total');
}

/** I9 of one fill: what its claims say now was supplied, stands, and is in one of them. */
function checkClaimed(ledger: Ledger, { rxId, fills }: Prescription): void {
  const live = (fills[0]?.events ?? []).filter((event) => event.withdrawnMs === null);
  const own = [...ledger.claims.values()].filter((claim) => claim.rxId === rxId && claim.eventIds.length > 0);
  const named = own.flatMap((claim) => claim.eventIds);
  assert.equal(new Set(named).size, named.length, 'I10: each supply in one claim');
  for (const { claimId, eventIds, lines, reversed } of own) {
    for (const [index, { itemId, units }] of lines.entries()) {
      const supplied = live
        .filter((event) => eventIds.includes(event.eventId) && event.claimId === claimId)
        .flatMap((event) => event.items.filter((item) => item.itemId === itemId));
      const claimed = units - (reversed[index]?.units ?? 0);
      assert.ok(claimed <= sum(supplied.map((item) => item.units)), 'I9');
    }
  }
}

/** I10 and I11, over all records. */
function checkSettled(ledger: Ledger): void {
  let accepted = 0;
  let count = 0;
  for (const { settled, reversed, reversalCount } of ledger.claims.values()) {
    accepted += sum(settled ?? []) - sum(reversed.map((line) => line.covered));
    count += reversalCount + (settled === null ? 0 : 1);
  }
  const parts = [...ledger.statements.values(), ...ledger.positions.values()];
  assert.equal(sum(parts.map(({ total }) => total)), accepted, 'I10: settled = accepted - reversed');
  assert.equal(sum(parts.map((part) => part.count)), count, 'I10: no claim twice, none left out');
  for (const { nets, status, transfers } of ledger.rounds.values()) {
    assert.equal(sum(nets.map(({ net }) => net)), 0, 'I11');
    if (status === 'proposed') continue;
    for (const { member, net } of nets) {
      const got = transfers.filter(({ to }) => to === member).map(({ amount }) => amount);
      const given = transfers.filter(({ from }) => from === member).map(({ amount }) => amount);
      assert.equal(sum(got) - sum(given), net, 'I11: the transfers settle the nets');
    }
  }
}

function checkAfter(ledger: Ledger, books: Books, keys: readonly string[]): void {
  for (const key of keys) {
    compare(ledger, books, key);
    const claim = ledger.claims.get(key);
    if (claim !== undefined) checkClaim(claim);
    const prescription =
      claim === undefined ? ledger.prescriptions.get(key) : ledger.prescriptions.get(`rx/${claim.rxId}`);
    if (prescription !== undefined) checkClaimed(ledger, prescription);
  }
  if (keys.some((key) => !key.startsWith('rx/'))) checkSettled(ledger);
}

describe('the money of a region', () => {
  it('is what a naive model of the specification says, act by act, and keeps I8, I9, I10, I11 and I12', function wholeMoney() {
    this.timeout(120_000);
    const committedKinds = new Set<string>();
    const refusedKinds = new Set<string>();
    const statuses = new Set<string>();
    fc.assert(
      fc.property(commandsArbitrary, (seeds) => {
        const books = newBooks(noon, holders);
        const ledger: Ledger = {
          prescriptions: new Map(),
          claims: new Map(),
          positions: new Map(),
          statements: new Map(),
          rounds: new Map(),
        };
        // Each life writes a copy of its own, in place: a copy for each act would take longer than the act.
        const records = new Map(start.records);
        let world: World = { ...start, records };
        for (const seed of seeds) {
          const draw = drawFrom(seed);
          if (draw.oneIn(30)) {
            books.now += draw.of([1, hourMs, 6 * hourMs, 12 * hourMs], 1);
            world = { ...world, timeMs: at(books.now) };
            continue;
          }
          const act = drawAct(draw, books);
          const result = attempt(world, act);
          const answer = result.ok ? null : result.refusal.code;
          const expected = judge(books, act);
          if (answer !== expected) assert.fail(`${answer}, not ${expected}: ${JSON.stringify(act)}`);
          (result.ok ? committedKinds : refusedKinds).add(act.action.kind);
          if (!result.ok) continue;
          for (const [key, record] of result.value.writes)
            records.set(key, present(record, 'nothing is deleted'));
          const keys = [...result.value.writes.keys()];
          for (const key of keys) readInto(ledger, world, key);
          checkAfter(ledger, books, keys);
        }
        const tables: readonly ReadonlyMap<string, unknown>[] = Object.values(ledger);
        checkAfter(
          ledger,
          books,
          tables.flatMap((table) => [...table.keys()]),
        );
        for (const { status } of ledger.claims.values()) statuses.add(`claim ${status}`);
        for (const { status } of ledger.statements.values()) statuses.add(`statement ${status}`);
        for (const { status } of ledger.rounds.values()) statuses.add(`round ${status}`);
      }),
      { numRuns: 1_000 },
    );
    // Else the books would prove little.
    assert.deepEqual([committedKinds.size, refusedKinds.size], [kindCount, kindCount]);
    assert.equal(statuses.size, 9 + 4 + 3);
  });
});
