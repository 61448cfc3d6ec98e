/** A voter that says two things: found by whoever hears both, ordered, marked, and put to the vote. Engines in one process. */
import '../../../node/polyfill.ts';
import assert from 'node:assert/strict';
import { signerFromSeed } from '../../../node/ed25519.ts';
import type { Digest, MemberName, View } from '../../../protocol/brand.ts';
import { voterIndexOf } from '../../../protocol/member.ts';
import { encodeMessage } from '../../../protocol/message.ts';
import { readMotion, readMotionList } from '../../../protocol/motion.ts';
import { readStanding } from '../../../protocol/standing.ts';
import { consensusSigningBytes } from '../../../protocol/vote.ts';
import { aDigest, valueOf } from '../../support/chain.ts';
import { anIssue, engineConsortium, type EngineConsortium, type EngineNode } from '../../support/engines.ts';
import { until } from '../../support/wait.ts';

const consensus = { deltaMs: 500, blockIntervalMsMin: 0, heartbeatMs: 0 };
const insurer = 'insurer' as MemberName;

describe('a voter that contradicts itself', function contradictingVoter() {
  this.timeout(60_000);
  let world: EngineConsortium;
  let nodes: readonly EngineNode[] = [];

  before(async () => {
    world = await engineConsortium({ seed: 'evidence', consensus });
    nodes = await Promise.all(['hospital', 'clinic', 'pharmacy'].map(async (name) => world.start(name)));
    await until('all are connected', () => nodes.every(({ engine }) => engine.connected().length === 2));
  });

  after(async () => {
    for (const node of nodes) await node.stop();
    world.remove();
  });

  /** A PREPARE of the insurer, in a view that is still to come. */
  function prepareOf(view: View, digest: Digest): Uint8Array {
    const [first] = nodes;
    assert.ok(first !== undefined);
    const { chainId, voters } = first.engine;
    const voter = voterIndexOf(voters, insurer);
    const cast = world.consortium.members.find(({ name }) => name === insurer);
    const seed = cast?.keys.find(({ purpose }) => purpose === 'consensus')?.seed;
    assert.ok(voter !== null && seed !== undefined);
    const ballot = { kind: 'prepare', epoch: voters.epoch, view, digest } as const;
    const signature = signerFromSeed(seed).sign(consensusSigningBytes(chainId, ballot));
    return encodeMessage({ kind: 'vote', vote: { ...ballot, voter, signature } });
  }

  const marksOf = (member: string, node: EngineNode): number =>
    readStanding(node.stores.ledger, member as MemberName).marks.length;

  it('is marked on every ledger, by the report of who heard it, and nobody else is', async () => {
    const [hospital] = nodes;
    assert.ok(hospital !== undefined);
    const view = (hospital.engine.state.view + 5) as View;
    await hospital.hear(insurer, prepareOf(view, aDigest(1)));
    await hospital.hear(insurer, prepareOf(view, aDigest(2)));
    await until('the insurer is marked everywhere', () =>
      nodes.every((node) => marksOf(insurer, node) === 1),
    );
    for (const node of nodes) {
      const [open] = readMotionList(node.stores.ledger).open;
      assert.ok(open !== undefined);
      const motion = readMotion(node.stores.ledger, open.motionId);
      assert.deepEqual([motion?.kind, motion?.member, motion?.openedBy], ['remove', insurer, 'hospital']);
      for (const honest of ['hospital', 'clinic', 'pharmacy']) assert.equal(marksOf(honest, node), 0);
      assert.deepEqual(node.failures, []);
    }
  });

  it('does not keep the others from going on', async () => {
    const [, clinic] = nodes;
    assert.ok(clinic !== undefined);
    const { txId } = valueOf(await clinic.engine.submit(anIssue(world.consortium)));
    await until('it is final', () => nodes.every(({ stores }) => stores.ledger.locate(txId) !== null));
  });
});
