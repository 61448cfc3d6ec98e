/** The gate of the simulated host: what arrives is verified here, then becomes an event or is answered. */
import type { Certificate } from '../../protocol/certificate.ts';
import { check } from './checks.ts';
import { asVerified, isCertificateValid } from './model.ts';
import { send } from './network.ts';
import { answerAncestors, answerBatches, answerBlocks, onBatches } from './sync.ts';
import type { Arrival, Wire, World } from './world.ts';

/** Certificates are verified; votes and proposals cannot be forged in the model. */
export function receive(world: World, { to, from, wire }: Arrival): void {
  const reply = (answer: Wire): void => send(world, { from: to, to: from }, answer);
  switch (wire.kind) {
    case 'vote':
      return world.handle(to, { kind: 'voteReceived', vote: asVerified(wire.vote) });
    case 'proposal': {
      const { parent, skips } = wire.proposal.justification;
      for (const certificate of parent === null ? skips : [parent, ...skips]) verify(world, certificate);
      return world.handle(to, { kind: 'proposalReceived', proposal: asVerified(wire.proposal) });
    }
    case 'certificate':
      verify(world, wire.certificate);
      return world.handle(to, { kind: 'certificateReceived', certificate: asVerified(wire.certificate) });
    case 'status': {
      const height = to.disk.ledger.length + to.commitQueue.length;
      if (wire.status.finalHeight > height + 1) reply({ kind: 'blocksWanted', height: height + 1 });
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
      if (wire.certificate === null || !to.isAlive) return;
      verify(world, wire.certificate);
      return world.handle(to, { kind: 'certificateReceived', certificate: asVerified(wire.certificate) });
    default:
      wire satisfies never;
  }
}

function verify(world: World, certificate: Certificate): void {
  if (world.verified.has(certificate)) return;
  const { voterCount } = world.plan;
  const quorum = world.core.quorumSize(voterCount);
  check(isCertificateValid(certificate, { voterCount, quorum }), 'a certificate without q valid signatures');
  world.verified.add(certificate);
}
