/** The gate of the simulated host: what arrives is verified here, then becomes an event or is answered. */
import type { Epoch } from '../../protocol/brand.ts';
import type { Certificate } from '../../protocol/certificate.ts';
import { check } from './checks.ts';
import { asVerified, isCertificateValid } from './model.ts';
import { send } from './network.ts';
import { answerAncestors, answerBatches, answerBlocks, onBatches } from './sync.ts';
import { epochOf, type Arrival, type Instance, type Wire, type World } from './world.ts';

const earlyMax = 256;

/** What is signed in another epoch is nothing to this one; the next one's is kept until it begins. */
export function receive(world: World, arrival: Arrival): void {
  const { to, wire } = arrival;
  const epoch = signedEpoch(wire);
  if (epoch === null || epoch === epochOf(to)) return take(world, arrival);
  if (epoch === epochOf(to) + 1 && to.early.length < earlyMax) to.early.push(arrival);
}

function signedEpoch(wire: Wire): Epoch | null {
  switch (wire.kind) {
    case 'vote':
      return wire.vote.epoch;
    case 'proposal':
      return wire.proposal.block.header.epoch;
    case 'certificate':
      return wire.certificate.epoch;
    case 'status':
    case 'certificatesWanted':
    case 'ancestorsWanted':
    case 'blocksWanted':
    case 'blocks':
    case 'batchesWanted':
    case 'batches':
      return null;
    default:
      return wire satisfies never;
  }
}

/** Certificates are verified; votes and proposals cannot be forged in the model. */
function take(world: World, { to, from, wire }: Arrival): void {
  const reply = (answer: Wire): void => send(world, { from: to, to: from }, answer);
  switch (wire.kind) {
    case 'vote':
      return world.handle(to, { kind: 'voteReceived', vote: asVerified(wire.vote) });
    case 'proposal': {
      const { parent, skips } = wire.proposal.justification;
      for (const certificate of parent === null ? skips : [parent, ...skips]) verify(world, to, certificate);
      return world.handle(to, { kind: 'proposalReceived', proposal: asVerified(wire.proposal) });
    }
    case 'certificate':
      verify(world, to, wire.certificate);
      return world.handle(to, { kind: 'certificateReceived', certificate: asVerified(wire.certificate) });
    case 'status': {
      const height = to.disk.ledger.length + to.commitQueue.length;
      // A voter that is one block behind is about to have it; an observer hears of no votes.
      const slack = to.state.config.own === null ? 0 : 1;
      if (wire.status.finalHeight > height + slack) reply({ kind: 'blocksWanted', height: height + 1 });
      return world.handle(to, { kind: 'statusReceived', from: from.name, status: wire.status });
    }
    case 'certificatesWanted':
      return world.handle(to, { ...wire, from: from.name });
    case 'ancestorsWanted':
      return answerAncestors(to, wire, reply);
    case 'blocksWanted':
      return answerBlocks(to, wire.height, reply);
    case 'batchesWanted':
      return answerBatches(to, wire.digests, reply);
    case 'batches':
      return onBatches(world, to, wire.digests);
    case 'blocks':
      world.handle(to, { kind: 'blocksReceived', blocks: wire.blocks });
      if (wire.certificate === null || wire.certificate.epoch !== epochOf(to) || !to.isAlive) return;
      verify(world, to, wire.certificate);
      return world.handle(to, { kind: 'certificateReceived', certificate: asVerified(wire.certificate) });
    default:
      wire satisfies never;
  }
}

function verify(world: World, to: Instance, certificate: Certificate): void {
  if (world.verified.has(certificate)) return;
  const voterCount = to.state.config.voters.voters.length;
  const quorum = world.core.quorumSize(voterCount);
  check(isCertificateValid(certificate, { voterCount, quorum }), 'a certificate without q valid signatures');
  world.verified.add(certificate);
}
