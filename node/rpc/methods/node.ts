/** The node itself: who it is, how it is, whom it hears. */
import { accepted } from '../../../protocol/result.ts';
import { hexOf, timeOf } from '../json.ts';
import { timeOrNull } from '../views.ts';
import { method, noParams, type Method } from '../method.ts';

const info = method('node_info', {
  summary: 'Who this node is, on which chain, and the names of the keys it signs with.',
  params: noParams,
  handle: (_params, { ports }) =>
    accepted({
      name: ports.keystore.member,
      version: ports.node.version,
      chainId: hexOf(ports.ledger.chainId),
      chainName: ports.ledger.chainName,
      practitioners: ports.keystore
        .entries()
        .map(({ name, publicKey }) => ({ name, publicKey: hexOf(publicKey) })),
    }),
});

const status = method('node_status', {
  summary:
    'How the node is: height, view, peers, who is missing, and in one sentence what is wrong, when something is.',
  params: noParams,
  handle: (_params, { ports }) => accepted({ ...ports.node.status() }),
});

const health = method('node_health', {
  summary: 'Whether the node lives, and whether it is ready, with the reasons if not.',
  params: noParams,
  handle: (_params, { ports }) => accepted({ live: ports.ops.live(), ready: ports.ops.ready() }),
});

const peers = method('node_peers', {
  summary: 'The other members: connected or not, and when last heard.',
  params: noParams,
  handle: (_params, { ports }) =>
    accepted({
      items: ports.node.peers().map((peer) => ({ ...peer, lastHeardAt: timeOrNull(peer.lastHeardAt) })),
      nextCursor: null,
      asOfHeight: ports.ledger.height(),
    }),
});

const consensus = method('consensus_state', {
  summary: 'Where agreement stands: view, leader, quorum, and which voters are missing since when.',
  params: noParams,
  handle: (_params, { ports }) => {
    const state = ports.node.consensus();
    const voters = state.voters.map((voter) => ({ ...voter, lastHeardAt: timeOrNull(voter.lastHeardAt) }));
    return accepted({ ...state, viewSince: timeOf(state.viewSince), voters });
  },
});

export const nodeMethods: readonly Method[] = [info, status, health, peers, consensus];
