/** Voters come and go while engines run: closing blocks by governance, over real libp2p and LevelDB. */
import '../../../node/polyfill.ts';
import assert from 'node:assert/strict';
import { ed25519 } from '../../../node/ed25519.ts';
import type { Digest } from '../../../protocol/brand.ts';
import { verifyStamp } from '../../../protocol/stamp.ts';
import { verifyStateStamp } from '../../../protocol/stateStamp.ts';
import { valueOf } from '../../support/chain.ts';
import { anIssue, engineConsortium, type EngineConsortium, type EngineNode } from '../../support/engines.ts';
import { signApproval, signMotion, signReady } from '../../support/governing.ts';
import type { SignedTransaction } from '../../support/transactions.ts';
import { until } from '../../support/wait.ts';

const genesisVoters = ['hospital', 'clinic', 'pharmacy', 'insurer'];
const newcomer = 'pharmacy-2';
const consensus = { deltaMs: 500, blockIntervalMsMin: 0, heartbeatMs: 0 };

describe('engines whose voters change', function enginesWhoseVotersChange() {
  this.timeout(120_000);
  let world: EngineConsortium;
  const running = new Map<string, EngineNode>();

  const at = (name: string): EngineNode => running.get(name) ?? assert.fail(`${name} runs`);
  const start = async (...names: readonly string[]): Promise<void> => {
    const nodes = await Promise.all(names.map(async (name) => world.start(name)));
    for (const node of nodes) running.set(node.name, node);
  };
  const stop = async (name: string): Promise<void> => {
    await at(name).stop();
    running.delete(name);
  };

  /** Resolves when every running node has the transaction as committed. */
  const committed = async (name: string, bytes: Uint8Array): Promise<Digest> => {
    const { txId } = valueOf(await at(name).engine.submit(bytes));
    await until(`${txId.slice(0, 8)} is final everywhere`, () =>
      [...running.values()].every(({ stores }) => stores.ledger.locate(txId) !== null),
    );
    assert.deepEqual(at(name).engine.archive.receiptOf(txId)?.code, null);
    return txId;
  };
  const commitFrom = async (name: string): Promise<Digest> => committed(name, anIssue(world.consortium));
  const act = async (name: string, { bytes }: SignedTransaction): Promise<Digest> => committed(name, bytes);

  const height = (name: string): number => at(name).stores.ledger.head().height;
  const epochs = (): readonly number[] => [...running.values()].map(({ engine }) => engine.voters.epoch);

  /** Moves a change, lets these approve it, and resolves when every running node is in the next epoch. */
  const change = async (what: 'promote' | 'demote', approving: readonly string[]): Promise<void> => {
    const { consortium } = world;
    const epoch = Math.max(...epochs());
    const motion = signMotion(consortium, {
      by: 'hospital',
      change: what,
      member: newcomer,
      height: height('hospital'),
    });
    await act('hospital', motion);
    for (const name of approving) await act(name, signApproval(consortium, name, motion.motionId));
    await until('all are in the next epoch', () => epochs().every((one) => one === epoch + 1));
  };

  const assertAgreed = async (): Promise<void> => {
    const heads = () => [...running.values()].map(({ stores }) => stores.ledger.head());
    await until('all stand at one height', () => new Set(heads().map((head) => head.height)).size === 1);
    assert.equal(new Set(heads().map(({ digest }) => digest)).size, 1);
    for (const { name, failures } of running.values()) assert.deepEqual([name, failures], [name, []]);
  };

  before(async () => {
    world = await engineConsortium({ seed: 'epochs', consensus });
    await start(...genesisVoters, newcomer);
    for (const { engine, name } of running.values())
      await until(`${name} is connected`, () => engine.connected().length >= 4);
  });

  after(async () => {
    for (const node of running.values()) await node.stop();
    world.remove();
  });

  it('take a synced observer in, which votes from then on', async () => {
    await commitFrom('hospital');
    assert.equal(at(newcomer).engine.state.config.own, null);
    await act(newcomer, signReady(world.consortium, newcomer, height(newcomer)));
    await change('promote', ['hospital', 'clinic', 'pharmacy']);
    assert.equal(at(newcomer).engine.voters.voters.length, 5);
    for (const name of [...genesisVoters, newcomer]) await commitFrom(name);
    await until('the newcomer has signed', () => at(newcomer).engine.state.signed.view > 0);
    await assertAgreed();
  });

  it('catch up over the end of an epoch that they missed', async () => {
    await stop('insurer');
    await change('demote', ['hospital', 'clinic', 'pharmacy', newcomer]);
    for (let count = 0; count < 5; count += 1) await commitFrom('hospital');
    await start('insurer');
    await until('the insurer is in the third epoch', () => at('insurer').engine.voters.epoch === 3);
    await assertAgreed();
    await commitFrom('insurer');
    await assertAgreed();
  });

  it('stamp what is final in a later epoch for whoever has the genesis file only', async () => {
    const { genesis } = world.consortium;
    const { archive } = at('hospital').engine;
    const txId = await commitFrom('hospital');
    const stamp = archive.stamp(txId) ?? assert.fail('a stamp');
    assert.equal(valueOf(verifyStamp(stamp, genesis, ed25519)).header.epoch, 3);
    const state = archive.stateStamp('voters') ?? assert.fail('a state stamp');
    assert.equal(valueOf(verifyStateStamp(state, genesis, ed25519)).header.epoch, 3);
  });

  it('let who is no voter any more go on as an observer', async () => {
    const { engine } = at(newcomer);
    assert.deepEqual(
      [engine.voters.voters.length, engine.state.config.own, engine.state.signed.view],
      [4, null, 0],
    );
    await commitFrom(newcomer);
    await assertAgreed();
  });

  it('start again in the epoch that they were in, all at once', async () => {
    const before = at('hospital').stores.ledger.head().digest;
    for (const name of running.keys()) await stop(name);
    await start(...genesisVoters, newcomer);
    assert.deepEqual(new Set(epochs()), new Set([3]));
    assert.equal(at('hospital').stores.ledger.head().digest, before);
    await commitFrom('clinic');
    await assertAgreed();
  });
});
