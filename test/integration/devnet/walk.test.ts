/**
 * The walk on real processes: four nodes that vote, a courier and a regulator that observe. Every act of the ledger is done both ways:
 * by the method of its name, where the nodes' keystores hold the keys of the members' people, and built at a node, signed and submitted,
 * where they hold none of them. The walk in memory (test/unit/rpc/walk.test.ts) has the same steps, and those that wait for hours.
 */
import assert from 'node:assert/strict';
import { startDevnet, type Supervisor } from '../../../devnet/supervisor.ts';
import { ed25519 } from '../../../node/ed25519.ts';
import { readGenesis } from '../../../node/home.ts';
import { actionKinds, type ActionKind } from '../../../protocol/action.ts';
import { hexToBytes } from '../../../protocol/bytes.ts';
import type { Genesis } from '../../../protocol/genesis.ts';
import { verifyStamp } from '../../../protocol/stamp.ts';
import { valueOf } from '../../support/chain.ts';
import { assertSameState, pause } from '../../support/cluster.ts';
import { castConsortium } from '../../support/walk/cast.ts';
import type { Setting, Step, Story } from '../../support/walk/step.ts';
import { ending, stories } from '../../support/walk/steps.ts';
import { byHand, byName, kindsWithMethod, type Walk, type Way } from '../../support/walk/ways.ts';

interface Told {
  readonly step: Step;
  readonly outcome: string;
  readonly isByName: boolean;
  /** What a stamp says, checked with the genesis alone: the act and what became of it. */
  readonly stamped: string;
}

/** Of a parcel that is lost. Its hand-over needs a block before it is over, also on a busy machine. */
const dueMs = 8_000;

interface Stage {
  readonly devnet: Supervisor;
  readonly walk: Walk;
  readonly genesis: Genesis;
  readonly way: Way;
}

async function tellStep({ devnet, walk, genesis, way }: Stage, step: Step): Promise<Told> {
  await pause(Math.max(0, step.notBefore - Date.now()));
  const { txId, outcome, isByName } = await way(walk, step);
  const { stamp } = await devnet.client(step.member).call('tx_stamp', { txId });
  const { transaction, receipt } = valueOf(verifyStamp(hexToBytes(stamp.slice(2)), genesis, ed25519));
  assert.equal(`0x${transaction.txId}`, txId);
  const stamped = `${transaction.action.kind}: ${receipt.code ?? receipt.outcome}`;
  return { step, outcome, isByName, stamped };
}

/** To its end, or to the first step with another outcome: what follows needs that one. */
async function tellStory(stage: Stage, story: Story): Promise<readonly Told[]> {
  const told: Told[] = [];
  for (const step of story) {
    const one = await tellStep(stage, step);
    told.push(one);
    if (one.outcome !== step.outcome) break;
  }
  return told;
}

/** The stories beside one another, and then their ending. */
async function tellAll(stage: Stage): Promise<readonly Told[]> {
  const startMs = Date.now();
  const setting: Setting = {
    chainId: stage.devnet.consortium.chainId,
    startMs,
    elapsedMs: () => Date.now() - startMs,
    // Of four voters.
    quorum: 3,
    dueMs,
  };
  const told = await Promise.all(stories(setting).map((story) => tellStory(stage, story)));
  return [...told.flat(), ...(await tellStory(stage, ending(setting)))];
}

interface Case {
  readonly title: string;
  readonly way: Way;
  readonly arePeopleInKeystores: boolean;
  readonly kinds: readonly ActionKind[];
}

const cases: readonly Case[] = [
  {
    title: 'by the method of its name, with the nodes’ keystores',
    way: byName,
    arePeopleInKeystores: true,
    kinds: kindsWithMethod,
  },
  {
    title: 'built, signed and submitted, with keys that are held elsewhere',
    way: byHand,
    arePeopleInKeystores: false,
    kinds: actionKinds,
  },
];

for (const { title, way, arePeopleInKeystores, kinds } of cases) {
  describe(`every act of the ledger on four voting nodes, ${title}`, function everyAct() {
    this.timeout(300_000);
    let starting: Promise<Supervisor>;
    let told: readonly Told[];

    before(async () => {
      starting = startDevnet({
        consortium: castConsortium({ arePeopleInKeystores }),
        isKept: process.env['KEEP_CLUSTERS'] === '1',
      });
      const devnet = await starting;
      const walk: Walk = {
        at: (member) => devnet.client(member),
        isInKeystore: (_member, name) => arePeopleInKeystores || name === 'admin',
      };
      const genesis = readGenesis(devnet.genesisFile);
      assert.ok(genesis.ok);
      told = await tellAll({ devnet, walk, genesis: genesis.value, way });
    });

    // Also if it came up too late for us.
    after(async () => {
      await (await starting).stopAll();
    });

    it('has the outcome that it should have', () => {
      assert.deepEqual(
        told.map(({ step, outcome }) => [step.title, outcome]),
        told.map(({ step }) => [step.title, step.outcome]),
      );
    });

    it('is committed, whatever its kind', () => {
      const committed = told.filter(({ outcome }) => outcome === 'committed');
      const walked = new Set(
        committed.filter(({ isByName }) => isByName === (way === byName)).map(({ step }) => step.kind),
      );
      assert.deepEqual(
        kinds.filter((kind) => !walked.has(kind)),
        [],
      );
    });

    it('has a stamp that says so to whoever holds the genesis', () => {
      assert.deepEqual(
        told.map(({ stamped }) => stamped),
        told.map(({ step }) => `${step.kind}: ${step.outcome}`),
      );
    });

    it('leaves the same state on all nodes', async () => {
      await assertSameState(await starting);
    });
  });
}
