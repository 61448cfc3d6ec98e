/** One act has one outcome, whoever is told of it first and however often. */
import assert from 'node:assert/strict';
import type { Supervisor } from '../../../devnet/supervisor.ts';
import { ed25519 } from '../../../node/ed25519.ts';
import { hexToBytes } from '../../../protocol/bytes.ts';
import { verifyStamp } from '../../../protocol/stamp.ts';
import { assertSameState, receiptsOf, startCluster, submit, submitMany } from '../../support/cluster.ts';
import { signIssue, signReserve } from '../../support/transactions.ts';

const raceCount = 200;

describe('one act', function oneAct() {
  this.timeout(180_000);
  let devnet: Supervisor;

  before(async () => {
    devnet = await startCluster('once');
  });

  after(async () => {
    await devnet.stopAll();
  });

  it('has one receipt when it is sent to three nodes at once, and again after the commit', async () => {
    const issue = signIssue(devnet.consortium, 'hospital', 0);
    const names = ['hospital', 'clinic', 'insurer'];
    const first = await Promise.all(names.map((name) => submit(devnet, name, issue)));
    const [one] = first;
    assert.equal(one?.status, 'committed');
    await assertSameState(devnet);
    const again = await Promise.all(devnet.names.map((name) => submit(devnet, name, issue)));
    const height = await assertSameState(devnet);
    const places = [...first, ...again].map(({ txId, height, index }) => ({ txId, height, index }));
    const { txId } = one;
    assert.deepEqual(
      places,
      places.map(() => ({ txId, height: one.height, index: one.index })),
    );
    const receipts = await Promise.all(devnet.names.map((name) => receiptsOf(devnet, name, height)));
    assert.deepEqual(
      receipts.map((byId) => [...byId.keys()]),
      receipts.map(() => [txId]),
    );
  });

  it('of two pharmacies that race for one fill succeeds for exactly one; the other can prove its refusal', async () => {
    const { consortium } = devnet;
    const issues = Array.from({ length: raceCount }, (_, number) =>
      signIssue(consortium, 'hospital', number),
    );
    await submitMany(devnet, 'hospital', issues);
    await assertSameState(devnet);
    const racers = [
      { pharmacy: 'pharmacy', through: 'pharmacy' },
      { pharmacy: 'pharmacy-2', through: 'clinic' },
    ] as const;
    const outcomes = await Promise.all(
      racers.map(async ({ pharmacy, through }) => {
        const reservations = issues.map((issue) => signReserve(consortium, pharmacy, issue));
        return submitMany(devnet, through, reservations);
      }),
    );
    const [ours = [], theirs = []] = outcomes;
    const codes = ours.map(({ code }, race) => new Set([code, theirs[race]?.code]));
    assert.deepEqual(
      codes,
      issues.map(() => new Set([null, 'fillReserved'])),
    );
    const refused = [...ours, ...theirs].filter(({ status }) => status === 'refused');
    await assertSameState(devnet);
    const calls = refused.map(({ txId }) => devnet.client('insurer').call('tx_stamp', { txId }));
    const verdicts = (await Promise.all(calls)).map(({ stamp }) => {
      const verdict = verifyStamp(hexToBytes(stamp.slice(2)), consortium.genesis, ed25519);
      return verdict.ok ? verdict.value.receipt : verdict.refusal;
    });
    assert.deepEqual(
      verdicts.map((receipt) => ('txId' in receipt ? [`0x${receipt.txId}`, receipt.code] : receipt)),
      refused.map(({ txId }) => [txId, 'fillReserved']),
    );
    const wonCount = ours.filter(({ status }) => status === 'committed').length;
    console.log(
      `      ${wonCount} races were won through the first node, ${raceCount - wonCount} through the second`,
    );
  });
});
