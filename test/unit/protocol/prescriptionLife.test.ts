/** Invariants of DOMAIN as properties: any acts, in any order, at any time, by two pharmacies, a courier and an insurer. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Id, MemberName, Timestamp } from '../../../protocol/brand.ts';
import { readClaim, type Claim } from '../../../protocol/claim.ts';
import {
  findFill,
  holderOfFill,
  statusOfFill,
  unitsOfEvents,
  unitsPrescribed,
  type FillStatus,
} from '../../../protocol/fillStatus.ts';
import { readParcel } from '../../../protocol/parcel.ts';
import { present } from '../../../protocol/invariant.ts';
import { readPrescription, type Fill, type Prescription } from '../../../protocol/prescription.ts';
import { readOpenPosition, readStatement, settledStatus } from '../../../protocol/settlement.ts';
import {
  aCancel,
  aClose,
  aDeliver,
  aDispense,
  anAccept,
  anAdjudicate,
  anEstimate,
  anIssue,
  aPay,
  aPropose,
  aReceive,
  aReserve,
  aReturn,
  aShip,
  aSubmit,
  dispensed,
  rxId,
} from '../../support/acts.ts';
import {
  after,
  amount,
  at,
  attempt,
  courier,
  digestOf,
  hourMs,
  idOf,
  insurer,
  keyOf,
  later,
  newWorld,
  pharmacy,
  readerOf,
  rival,
  units,
  withWrites,
  type Act,
  type World,
} from '../../support/domain.ts';

type Step =
  | { readonly kind: 'wait'; readonly ms: number }
  | {
      readonly kind: 'act';
      readonly choice: number;
      readonly who: MemberName;
      readonly n: number;
      readonly m: number;
    };

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, hourMs, 4 * hourMs) }),
  },
  {
    weight: 19,
    arbitrary: fc.record({
      kind: fc.constant('act' as const),
      choice: fc.nat(),
      who: fc.constantFrom(pharmacy, pharmacy, rival),
      n: fc.nat(2),
      m: fc.constantFrom(1, 5, 10),
    }),
  },
);

const pharmacists = new Map([
  [pharmacy, keyOf('pharmacist')],
  [rival, keyOf('rival pharmacist')],
]);

/** Claims, events, parcels, packs and periods come from small pools, so that steps meet. */
function actOf(step: Step & { readonly kind: 'act' }, world: World): Act {
  const { who, n, m } = step;
  const pharmacist = present(pharmacists.get(who), 'two pharmacies');
  const by = { member: who, keys: [pharmacist] };
  const claimId = idOf(`claim ${n}`);
  const parcelId = idOf(`parcel ${n}`);
  const lines = [{ itemId: 0, units: units(m), price: amount(100 * m) }];
  const reserve = (): Act =>
    aReserve({
      member: who,
      keys: [pharmacist, keyOf('redeem 0')],
      body: { pharmacy: who, until: at(world.timeMs + m * hourMs) },
    });
  const supply = (eventId: string): Act =>
    aDispense({
      ...by,
      body: { eventId: idOf(eventId), items: [dispensed(0, m, { packHashes: [digestOf(`pack ${n}`)] })] },
    });
  const acts: readonly (() => Act)[] = [
    reserve,
    reserve,
    () => aReturn(by),
    () => supply(`event ${n}`),
    () => supply(`event ${n}`),
    () => aClose({ ...by, body: { outcome: n === 0 ? 'complete' : 'partial' } }),
    () => (n === 0 && m === 1 ? aCancel() : reserve()),
    () => aShip({ member: who, keys: [pharmacist, keyOf('rider')], body: { parcelId } }),
    () => aDeliver({ body: { parcelId } }),
    () => aReceive({ body: { parcelId: m > 9 ? null : parcelId } }),
    () => anEstimate({ ...by, body: { claimId, lines, total: amount(100 * m) } }),
    () => nextClaimAct(world, claimId),
    () => nextClaimAct(world, claimId),
    () => nextClaimAct(world, claimId),
    () => nextClaimAct(world, claimId),
    () => proposalOf(world, who, `p${n}`),
  ];
  return present(acts[step.choice % acts.length], 'within the list')();
}

/** The step that a claim waits for, with the right amounts, so that lives get as far as the settlement. */
function nextClaimAct(world: World, claimId: Id): Act {
  const claim = readClaim(readerOf(world), claimId);
  if (claim === null) return anAdjudicate({ body: { claimId } });
  const { total, lines } = claim;
  const by = { member: claim.pharmacy, keys: [present(pharmacists.get(claim.pharmacy), 'a pharmacy')] };
  const patientPays = amount(total / 5);
  if (claim.status === 'estimated') {
    const judged = [{ itemId: 0, covered: amount(total - patientPays), patientPays, code: 'plan' }];
    return anAdjudicate({ body: { claimId, lines: judged } });
  }
  if (claim.status === 'adjudicated') return aPay({ ...by, body: { claimId, patientPaid: patientPays } });
  const events = fillIn(world).events.filter((event) => event.pharmacy === claim.pharmacy);
  const eventIds = events.filter((event) => event.claimId === null).map((event) => event.eventId);
  if (claim.status === 'patientPaid') return aSubmit({ ...by, body: { claimId, eventIds, lines, total } });
  const covered = present(claim.adjudication, 'adjudicated').covered;
  return anAccept({ ...by, body: { claimId, covered } });
}

/** A proposal with the right sums, so that it is refused for other reasons only. */
function proposalOf(world: World, who: MemberName, period: string): Act {
  const { count, total, claimsRoot } = readOpenPosition(readerOf(world), { insurer, pharmacy: who });
  return aPropose({ count, total, claimsRoot }, { body: { pharmacy: who, period } });
}

function prescriptionIn(world: World): Prescription {
  return present(readPrescription(readerOf(world), rxId), 'issued');
}

function fillIn(world: World): Fill {
  return present(prescriptionIn(world).fills[0], 'one fill');
}

function claimsIn(world: World): readonly Claim[] {
  const claims = [0, 1, 2].map((n) => readClaim(readerOf(world), idOf(`claim ${n}`)));
  return claims.filter((claim) => claim !== null);
}

function statusAt(world: World, timeMs: Timestamp): FillStatus {
  const found = findFill(readerOf(world), rxId, 0);
  assert.ok(found.ok);
  return statusOfFill(found.value, timeMs);
}

const endedStatuses: readonly string[] = ['cancelled', 'dispensed', 'closed'];

/** What must hold between a world and the next. */
function checkStep(before: World, next: World): void {
  const statusBefore = statusAt(before, next.timeMs);
  const status = statusAt(next, next.timeMs);
  if (endedStatuses.includes(statusBefore)) assert.equal(status, statusBefore, 'I4');
  const fresh = fillIn(next).events.slice(fillIn(before).events.length);
  for (const event of fresh) {
    assert.equal(event.pharmacy, holderOfFill(fillIn(before), next.timeMs), 'I5');
    assert.notEqual(statusBefore, 'cancelled', 'I6');
  }
}

/** What must hold in every world. */
function checkWorld(world: World): void {
  const prescription = prescriptionIn(world);
  const { events } = fillIn(world);
  for (const { itemId } of prescription.items) {
    assert.ok(unitsOfEvents(events, itemId) <= unitsPrescribed(prescription, 0, itemId), 'I2');
  }
  assert.equal(new Set(events.map((event) => event.eventId)).size, events.length, 'I15');
  const spent = [...world.records.keys()].filter((key) => key.startsWith('pack/'));
  assert.equal(spent.length, events.length, 'I15: one pack in each supply');
  for (const { parcelId, receivedMs } of events)
    if (parcelId !== null) checkParcel(world, parcelId, receivedMs);
  checkClaims(world);
}

function checkParcel(world: World, parcelId: Id, receivedMs: number | null): void {
  const parcel = present(readParcel(readerOf(world), parcelId), 'shipped');
  assert.equal(parcel.custodian, parcel.status === 'received' ? null : courier, 'I16');
  assert.equal(receivedMs, parcel.receivedMs, 'I17');
  if (receivedMs !== null) assert.ok(receivedMs >= present(parcel.deliveredMs, 'I17: delivered before'));
}

function checkClaims(world: World): void {
  const { events } = fillIn(world);
  const claims = claimsIn(world);
  const eventIds = claims.flatMap((claim) => claim.eventIds);
  assert.equal(new Set(eventIds).size, eventIds.length, 'I10: each supply in one claim');
  for (const claim of claims) {
    const own = events.filter((event) => event.claimId === claim.claimId);
    assert.deepEqual(
      own.map((event) => event.eventId),
      claim.eventIds,
    );
    if (claim.adjudication !== null) {
      assert.equal(claim.adjudication.covered + claim.adjudication.patientPays, claim.total, 'I8');
    }
    const isClaimed = claim.status === 'submitted' || claim.status === 'accepted';
    for (const line of isClaimed ? claim.lines : []) {
      assert.ok(line.units <= unitsOfEvents(own, line.itemId), 'I9');
    }
  }
  for (const who of [pharmacy, rival]) checkSettlement(world, who);
}

function checkSettlement(world: World, who: MemberName): void {
  const pair = { insurer, pharmacy: who };
  const state = readerOf(world);
  const own = claimsIn(world).filter((claim) => claim.pharmacy === who && claim.statementIndex !== null);
  const coveredOf = (claims: readonly Claim[]): number =>
    claims.reduce((sum, claim) => sum + (claim.adjudication?.covered ?? 0), 0);
  const statements = ['p0', 'p1', 'p2'].map((period) => readStatement(state, pair, period));
  const settled = statements.reduce((sum, statement) => sum + (statement?.total ?? 0), 0);
  assert.equal(
    settled + readOpenPosition(state, pair).total,
    coveredOf(own),
    'I10: settled + open = accepted',
  );
  const netted = own.filter((claim) => settledStatus(state, claim) === 'netted');
  assert.equal(settled, coveredOf(netted), 'I10: a netted claim is in a statement');
}

describe('any life of a prescription', () => {
  it('keeps I2, I4, I5, I6, I8, I9, I10, I15, I16 and I17', () => {
    const start = after(newWorld, anIssue());
    const steps = fc.array(stepArbitrary, { minLength: 40, maxLength: 120 });
    fc.assert(
      fc.property(steps, (life) => {
        let world = start;
        for (const step of life) {
          if (step.kind === 'wait') {
            world = later(world, step.ms);
            continue;
          }
          const result = attempt(world, actOf(step, world));
          if (!result.ok) continue;
          const next = withWrites(world, result.value);
          checkStep(world, next);
          checkWorld(next);
          world = next;
        }
      }),
      { numRuns: 100 },
    );
  });
});
