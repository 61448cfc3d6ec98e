/** All voters crash at once at the worst moment: a block is certified, nobody has it executed, and nobody can commit it any more. */
import assert from 'node:assert/strict';
import { createConsortium, type Consortium } from '../../../devnet/cast.ts';
import { memberOf } from '../../../devnet/homes.ts';
import { startDevnet, type Supervisor } from '../../../devnet/supervisor.ts';
import { signerFromSeed } from '../../../node/ed25519.ts';
import { homePaths } from '../../../node/home.ts';
import { ballotEntry, blockEntry, certificateEntry, signBallot } from '../../../node/statement.ts';
import { systemDisk } from '../../../node/storage/disk.ts';
import { openSafetyLog, safetySegmentBytesMax } from '../../../node/storage/safetyLog.ts';
import { batchesRoot, headerDigest, type Block } from '../../../protocol/block.ts';
import type { Epoch, Height, Timestamp, View, VoterIndex } from '../../../protocol/brand.ts';
import { makeCertificate } from '../../../protocol/certificate.ts';
import { genesisVoterSet } from '../../../protocol/genesis.ts';
import { genesisState } from '../../../protocol/genesisBlock.ts';
import { executeBlock } from '../../../protocol/ledger.ts';
import { voterSetHash } from '../../../protocol/member.ts';
import { emptyState, overlay } from '../../../protocol/state.ts';
import type { Ballot } from '../../../protocol/vote.ts';
import { assertSameState, submit, voters } from '../../support/cluster.ts';
import { signIssue } from '../../support/transactions.ts';

const epoch = 1 as Epoch;
const view = 1 as View;

/** The first block, empty, as the leader of view 1 would propose it. */
function firstBlock({ genesis, chainId }: Consortium): Block {
  const voterSet = genesisVoterSet(genesis);
  const point = {
    chainId,
    height: 1 as Height,
    timeMs: Date.now() as Timestamp,
    parentDigest: chainId,
  };
  const state = overlay(emptyState, genesisState(genesis).writes);
  const { receiptsRoot, stateRoot } = executeBlock(state, point, []);
  const header = {
    ...point,
    epoch,
    view,
    parentView: 0 as View,
    batchesRoot: batchesRoot([]),
    receiptsRoot,
    stateRoot,
    voterSetHash: voterSetHash(voterSet),
    nextVoterSet: null,
    extensionOf: null,
    proposer: 1 as VoterIndex,
  };
  return { header, batchDigests: [] };
}

describe('a consortium whose voters all crashed', function crashedWhole() {
  this.timeout(180_000);
  let devnet: Supervisor;

  before(async () => {
    const consortium = createConsortium({ seed: 'crash', voterCount: 4, consensus: { heartbeatMs: 0 } });
    devnet = await startDevnet({ consortium, isKept: false });
    await devnet.stopNodes();
  });

  after(async () => {
    await devnet.stopAll();
  });

  const signerOf = (name: string): ReturnType<typeof signerFromSeed> => {
    const key = memberOf(devnet.consortium, name).keys.find(({ purpose }) => purpose === 'consensus');
    assert.ok(key !== undefined);
    return signerFromSeed(key.seed);
  };

  it('goes on from a block that was prepared and never committed', async () => {
    const { chainId, genesis } = devnet.consortium;
    const block = firstBlock(devnet.consortium);
    const ballot: Ballot = { kind: 'prepare', epoch, view, digest: headerDigest(block.header) };
    const owners = genesisVoterSet(genesis).voters.map(({ name }, index) => ({
      name,
      own: { chainId, index: index as VoterIndex, signer: signerOf(name) },
    }));
    const votes = owners.map(({ own }) => signBallot(ballot, own));
    const certificate = makeCertificate(votes, votes.length);
    assert.ok(certificate !== null);
    for (const { name, own } of owners) {
      const { log } = await openSafetyLog(homePaths(devnet.node(name).home).safety, {
        chainId,
        consensusKey: own.signer.publicKey,
        mode: 'existing',
        disk: systemDisk,
        segmentBytesMax: safetySegmentBytesMax,
      });
      log.append([blockEntry(block), ballotEntry(ballot), certificateEntry(certificate)]);
      await log.close();
    }
    await Promise.all(voters.map((name) => devnet.start(name)));
    const { status } = await submit(devnet, 'hospital', signIssue(devnet.consortium, 'hospital', 0));
    assert.equal(status, 'committed');
    await assertSameState(devnet);
    const { digest } = await devnet.client('insurer').call('ledger_header', { height: 1 });
    assert.equal(digest, `0x${headerDigest(block.header)}`);
  });
});
