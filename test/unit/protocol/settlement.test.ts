import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Amount, Balance, Id } from '../../../protocol/brand.ts';
import { claimRecord, readClaim } from '../../../protocol/claim.ts';
import { encodeCbor } from '../../../protocol/codec.ts';
import { present } from '../../../protocol/invariant.ts';
import { amountMax, statementEntriesMax } from '../../../protocol/limits.ts';
import { merkleRoot } from '../../../protocol/merkle.ts';
import { refused } from '../../../protocol/result.ts';
import {
  addToPosition,
  entryLeaf,
  positionRecordKey,
  readOpenPosition,
  readStatement,
  settledStatus,
  sumsOf,
} from '../../../protocol/settlement.ts';
import {
  aConfirm,
  aDispense,
  anAccept,
  anAdjudicate,
  anEstimate,
  anIssue,
  aPaid,
  aPay,
  aPropose,
  aStatementDispute,
  aReserve,
  aSubmit,
  claimId,
  pair,
  period,
} from '../../support/acts.ts';
import {
  after,
  amount,
  digestOf,
  idOf,
  insurer,
  itRefuses,
  keyOf,
  name,
  newWorld,
  pharmacy,
  readerOf,
  refusalOf,
  rival,
  type World,
} from '../../support/domain.ts';

function balance(value: number): Balance {
  return value as Balance;
}

const submitted = after(
  newWorld,
  anIssue(),
  aReserve(),
  anEstimate(),
  anAdjudicate(),
  aPay(),
  aDispense(),
  aSubmit(),
);
const accepted = after(submitted, anAccept());
const entry = { kind: 'accepted', claimId, covered: amount(4_900) } as const;
const sums = { count: 1, total: balance(4_900), claimsRoot: merkleRoot([entryLeaf(entry)]) };
const proposed = after(accepted, aPropose(sums));
const confirmed = after(proposed, aConfirm(sums));
const paid = after(confirmed, aPaid(balance(4_900)));
const statement = {
  ...pair,
  period,
  ...sums,
  index: 0,
  proposedHeight: 1,
  status: 'proposed',
  paymentRef: null,
  round: null,
};

function claimStatusIn(world: World): string {
  const state = readerOf(world);
  return settledStatus(state, present(readClaim(state, claimId), 'estimated'));
}

describe('a settlement', () => {
  it('is proposed, confirmed and paid', () => {
    const inWorld = (world: World): unknown => readStatement(readerOf(world), pair, period);
    assert.deepEqual(inWorld(proposed), statement);
    assert.deepEqual(inWorld(confirmed), { ...statement, status: 'confirmed' });
    assert.deepEqual(inWorld(paid), { ...statement, status: 'paid', paymentRef: 'transfer-1' });
  });

  it('carries the status of its claims along, without writing them', () => {
    assert.deepEqual([submitted, accepted, proposed, confirmed, paid].map(claimStatusIn), [
      'submitted',
      'accepted',
      'netted',
      'netted',
      'paid',
    ]);
  });

  it('leaves an empty position for the next statement (I10)', () => {
    const empty = { statementIndex: 0, count: 0, total: 0, claimsRoot: merkleRoot([]) };
    assert.deepEqual(readOpenPosition(readerOf(submitted), pair), empty);
    assert.deepEqual(readOpenPosition(readerOf(accepted), pair), { statementIndex: 0, ...sums });
    assert.deepEqual(readOpenPosition(readerOf(proposed), pair), { ...empty, statementIndex: 1 });
  });
});

describe('settle.propose', () => {
  itRefuses('a proposal by the pharmacy', 'roleMissing', [
    accepted,
    aPropose(sums, { member: pharmacy, keys: [keyOf('bookkeeper')] }),
  ]);
  itRefuses('another insurer', 'claimPartyWrong', [
    accepted,
    aPropose(sums, { member: name('second-insurer'), keys: [keyOf('second adjudicator')] }),
  ]);
  itRefuses('an unknown pharmacy', 'memberUnknown', [
    accepted,
    aPropose(sums, { body: { pharmacy: name('nobody') } }),
  ]);
  itRefuses('a pharmacy that is none', 'roleMissing', [
    accepted,
    aPropose(sums, { body: { pharmacy: insurer } }),
  ]);
  itRefuses('a suspended pharmacy', 'memberNotActive', [
    accepted,
    aPropose(sums, { body: { pharmacy: name('suspended-pharmacy') } }),
  ]);
  itRefuses('a period twice', 'statementExists', [proposed, aPropose(sums)]);
  itRefuses('a statement of nothing', 'nothingToSettle', [submitted, aPropose(sums)]);
  itRefuses('each claim in a second statement (I10)', 'nothingToSettle', [
    proposed,
    aPropose(sums, { body: { period: '2026-12' } }),
  ]);
  itRefuses('another count', 'statementMismatch', [accepted, aPropose({ ...sums, count: 2 })]);
  itRefuses('another total', 'statementMismatch', [accepted, aPropose({ ...sums, total: balance(4_899) })]);
  itRefuses('other claims', 'statementMismatch', [
    accepted,
    aPropose({ ...sums, claimsRoot: digestOf('other') }),
  ]);
});

describe('settle.confirm', () => {
  it('can be done by a pharmacist too', () => {
    assert.equal(refusalOf(proposed, aConfirm(sums, { keys: [keyOf('pharmacist')] })), null);
  });

  itRefuses('the insurer on both sides', 'roleMissing', [
    proposed,
    aConfirm(sums, { member: insurer, keys: [keyOf('adjudicator')] }),
  ]);
  itRefuses('another pharmacy', 'claimPartyWrong', [
    proposed,
    aConfirm(sums, { member: rival, keys: [keyOf('rival pharmacist')] }),
  ]);
  itRefuses('what was not proposed', 'statementUnknown', [accepted, aConfirm(sums)]);
  itRefuses('to confirm twice', 'statementState', [confirmed, aConfirm(sums)]);
  itRefuses('other sums than proposed', 'statementMismatch', [
    proposed,
    aConfirm({ ...sums, total: balance(5_000) }),
  ]);
});

describe('settle.propose without sums', () => {
  it('freezes what the ledger has, however busy the pair is', () => {
    assert.deepEqual(readStatement(readerOf(after(accepted, aPropose(null))), pair, period), statement);
  });
});

describe('settle.dispute', () => {
  it('lets the pharmacy look for the difference, and confirm when it is found', () => {
    const disputed = after(proposed, aStatementDispute());
    assert.deepEqual(readStatement(readerOf(disputed), pair, period), { ...statement, status: 'disputed' });
    assert.equal(refusalOf(disputed, aPaid(balance(4_900))), 'statementState');
    assert.equal(refusalOf(disputed, aConfirm(sums)), null);
  });

  itRefuses('the insurer', 'roleMissing', [
    proposed,
    aStatementDispute({ member: insurer, keys: [keyOf('adjudicator')] }),
  ]);
  itRefuses('another pharmacy', 'claimPartyWrong', [
    proposed,
    aStatementDispute({ member: rival, keys: [keyOf('rival pharmacist')] }),
  ]);
  itRefuses('what was not proposed', 'statementUnknown', [accepted, aStatementDispute()]);
  itRefuses('what was confirmed', 'statementState', [confirmed, aStatementDispute()]);
});

describe('a negative statement', () => {
  const entries = [{ kind: 'reversed', claimId, txId: digestOf('reversal'), covered: amount(700) }] as const;
  const owed = addToPosition(readerOf(newWorld), pair, entries[0]);
  assert.ok(owed.ok);
  const world = { ...newWorld, records: new Map([...newWorld.records, owed.value.write]) };
  const sumsOwed = sumsOf(entries);
  const ready = after(world, aPropose(sumsOwed), aConfirm(sumsOwed));

  it('is paid by the pharmacy', () => {
    assert.equal(sumsOwed.total, -700);
    const byPharmacy = { member: pharmacy, keys: [keyOf('bookkeeper')] };
    assert.equal(refusalOf(ready, aPaid(balance(-700), byPharmacy)), null);
  });

  itRefuses('the insurer to pay it', 'roleMissing', [ready, aPaid(balance(-700))]);
});

describe('settle.paid', () => {
  itRefuses('a payment that the pharmacy states', 'roleMissing', [
    confirmed,
    aPaid(balance(4_900), { member: pharmacy, keys: [keyOf('bookkeeper')] }),
  ]);
  itRefuses('another insurer', 'claimPartyWrong', [
    confirmed,
    aPaid(balance(4_900), { member: name('second-insurer'), keys: [keyOf('second adjudicator')] }),
  ]);
  itRefuses('a payment for nothing', 'statementUnknown', [accepted, aPaid(balance(4_900))]);
  itRefuses('a payment before the confirmation', 'statementState', [proposed, aPaid(balance(4_900))]);
  itRefuses('to pay twice', 'statementState', [paid, aPaid(balance(4_900))]);
  itRefuses('another amount', 'statementMismatch', [confirmed, aPaid(balance(4_901))]);
});

describe('claim.accept, which adds to the open position', () => {
  const add = (world: World, claim: { readonly claimId: Id; readonly covered: Amount }): World => {
    const position = addToPosition(readerOf(world), pair, { kind: 'accepted', ...claim });
    assert.ok(position.ok);
    return { ...world, records: new Map([...world.records, position.value.write]) };
  };

  it('sums up any claims in the order of their acceptance', () => {
    const amounts = fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(amounts, (covered) => {
        const claims = covered.map((value, index) => ({
          claimId: idOf(`claim ${index}`),
          covered: amount(value),
        }));
        let world = newWorld;
        for (const claim of claims) world = add(world, claim);
        assert.deepEqual(readOpenPosition(readerOf(world), pair), {
          statementIndex: 0,
          count: claims.length,
          total: covered.reduce((sum, value) => sum + value, 0),
          claimsRoot: merkleRoot(claims.map((claim) => entryLeaf({ kind: 'accepted', ...claim }))),
        });
      }),
      { numRuns: 30 },
    );
  });

  it('holds no more than a statement may say', () => {
    const full = add(newWorld, { claimId: idOf('all'), covered: amount(amountMax) });
    const one = { kind: 'accepted', claimId: idOf('one'), covered: amount(1) } as const;
    assert.deepEqual(addToPosition(readerOf(full), pair, one), refused('tooLarge', 'total'));
    assert.equal(addToPosition(readerOf(full), pair, { ...one, covered: amount(0) }).ok, true);
  });

  it('holds a bounded number of claims', () => {
    const claim = { kind: 'accepted', claimId: idOf('one'), covered: amount(1) } as const;
    const answers = [statementEntriesMax - 1, statementEntriesMax].map((count) => {
      const perfectTrees = count.toString(2).replaceAll('0', '').length;
      const record = encodeCbor([
        0,
        0,
        [count, Array.from({ length: perfectTrees }, () => new Uint8Array(32))],
      ]);
      const state = readerOf({ ...newWorld, records: new Map([[positionRecordKey(pair), record]]) });
      return addToPosition(state, pair, claim);
    });
    assert.equal(answers[0]?.ok, true);
    assert.deepEqual(answers[1], refused('tooLarge', 'claims'));
  });

  it('refuses the acceptance that would not fit', () => {
    const full = add(submitted, { claimId: idOf('all'), covered: amount(amountMax) });
    assert.equal(refusalOf(full, anAccept()), 'tooLarge');
  });

  it('keeps pairs apart', () => {
    const other = { insurer, pharmacy: rival };
    assert.equal(readOpenPosition(readerOf(accepted), other).count, 0);
  });
});

describe('a claim’s record', () => {
  it('reads as it was written', () => {
    const claim = present(readClaim(readerOf(accepted), claimId), 'estimated');
    const [key, bytes] = claimRecord(claim);
    assert.equal(key, `claim/${claimId}`);
    assert.deepEqual(readerOf(accepted).get(key), bytes);
  });
});
