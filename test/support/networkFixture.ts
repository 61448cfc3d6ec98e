/** Networks in one process for tests: deterministic members on loopback, on ports that the system chooses. */
import '../../node/polyfill.ts';
import { defaultTiming, type Timing } from '../../node/network/bounds.ts';
import type { Host } from '../../node/network/host.ts';
import { networkKeyFromSeed, peerIdOf } from '../../node/network/identity.ts';
import { startNetworkWith } from '../../node/network/network.ts';
import type { AllowList, GossipVerdict, Log, Network, NetworkHandlers } from '../../node/network/ports.ts';
import type { Digest, MemberName, PublicKey } from '../../protocol/brand.ts';
import { compareText } from '../../protocol/bytes.ts';
import { until } from './wait.ts';

export const testChainId: Digest = 'c4a1'.repeat(16) as Digest;
export const loopback = '/ip4/127.0.0.1/tcp/0';
const silent = (): void => undefined;
const silentLog: Log = { debug: silent, info: silent, warn: silent, error: silent };

/** Short ticks: the watchdog's patience is counted in ticks. */
const quickTiming: Timing = {
  ...defaultTiming,
  redialMsMin: 50,
  redialMsMax: 200,
  patienceMs: 1_000,
  barredMs: 500,
  tickMs: 100,
  settlingMs: 0,
  unhealthyTicksMax: 10,
};

export interface TestMember {
  readonly name: MemberName;
  readonly seed: Uint8Array;
  readonly networkKey: PublicKey;
  readonly peerId: string;
}

export interface Heard {
  readonly from: MemberName | null;
  readonly text: string;
}

export interface TestNode {
  readonly member: TestMember;
  readonly network: Network;
  readonly host: Host;
  readonly frames: Heard[];
  readonly batches: Heard[];
  readonly finalized: Heard[];
  readonly changes: string[];
  readonly warnings: string[];
  readonly turnedAway: string[];
}

export interface NodeSettings {
  readonly timing: Timing;
  readonly listen: readonly string[];
  readonly handlers: Partial<NetworkHandlers>;
  /** Hears the messages that the network logs for developers. */
  readonly onDebug: (message: string, fields: object) => void;
}

export const defaultSettings: NodeSettings = {
  timing: quickTiming,
  listen: [loopback],
  handlers: {},
  onDebug: silent,
};

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

export async function memberNumber(number: number): Promise<TestMember> {
  const seed = new Uint8Array(32).fill(number);
  const networkKey = await networkKeyFromSeed(seed);
  const peerId = peerIdOf(networkKey).toString();
  return { name: `member-${number}` as MemberName, seed, networkKey, peerId };
}

/** Descending by PeerId: when started in this order, each finds the addresses of all that it has to dial. */
export async function membersInOrder(count: number): Promise<readonly TestMember[]> {
  const members = await Promise.all(Array.from({ length: count }, (_, index) => memberNumber(index + 1)));
  return members.toSorted((a, b) => compareText(b.peerId, a.peerId));
}

export function allowListOf(members: readonly TestMember[]): AllowList {
  return new Map(members.map(({ name, networkKey }) => [name, networkKey]));
}

/** `known` are the members that may connect, with the addresses to dial them at. */
export async function startNode(
  member: TestMember,
  known: ReadonlyMap<TestMember, readonly string[]>,
  settings: NodeSettings = defaultSettings,
): Promise<TestNode> {
  const heard = {
    frames: [] as Heard[],
    batches: [] as Heard[],
    finalized: [] as Heard[],
    changes: [] as string[],
    warnings: [] as string[],
    turnedAway: [] as string[],
  };
  const accept = (list: Heard[]) => (bytes: Uint8Array, from: MemberName | null) => {
    list.push({ from, text: textOf(bytes) });
    return Promise.resolve<GossipVerdict>('accept');
  };
  const handlers: NetworkHandlers = {
    onConsensusFrame: (from, frame) => {
      heard.frames.push({ from, text: textOf(frame) });
    },
    onBatch: accept(heard.batches),
    onFinalized: accept(heard.finalized),
    onRequest: (_from, bytes) => Promise.resolve(bytes),
    onPeerChanged: (name, isConnected) => heard.changes.push(`${name} ${isConnected ? 'up' : 'down'}`),
    ...settings.handlers,
  };
  const others = [...known].filter(([peer]) => peer.name !== member.name);
  const log = {
    ...silentLog,
    debug: (fields: object, message: string): void => settings.onDebug(message, fields),
    warn: (fields: object): void => {
      heard.warnings.push('reason' in fields ? String(fields.reason) : '');
    },
  };
  const options = {
    own: member.name,
    networkKeySeed: member.seed,
    chainId: testChainId,
    listen: settings.listen,
    advertise: [],
    members: allowListOf(others.map(([peer]) => peer)),
    addresses: Object.fromEntries(others.map(([peer, addresses]) => [peer.name, addresses])),
    log,
    onTurnedAway: (reason: string): void => void heard.turnedAway.push(reason),
  };
  const { network, host } = await startNetworkWith(options, handlers, settings.timing);
  return { member, network, host, ...heard };
}

/** Starts all members one after the other. */
async function startNodes(
  members: readonly TestMember[],
  settings: NodeSettings = defaultSettings,
): Promise<readonly TestNode[]> {
  const nodes: TestNode[] = [];
  for (const member of members) {
    const known = new Map<TestMember, readonly string[]>(members.map((peer) => [peer, []]));
    for (const node of nodes) known.set(node.member, node.network.addresses());
    nodes.push(await startNode(member, known, settings));
  }
  return nodes;
}

export function isMesh(nodes: readonly TestNode[]): boolean {
  return nodes.every(({ network }) => network.peers().every((peer) => peer.isConnected));
}

/** Everyone knows that everyone listens; what is published before goes round by way of repair, if at all. */
function isGossiping(nodes: readonly TestNode[]): boolean {
  return nodes.every(({ host }) => {
    const { pubsub } = host.services;
    return pubsub.getTopics().every((topic) => pubsub.getSubscribers(topic).length === nodes.length - 1);
  });
}

export async function startMesh(
  count: number,
  settings: NodeSettings = defaultSettings,
): Promise<readonly TestNode[]> {
  const nodes = await startNodes(await membersInOrder(count), settings);
  await until('all are connected to all', () => isMesh(nodes) && isGossiping(nodes), 50_000);
  return nodes;
}

export async function stopAll(nodes: readonly { readonly network: Network }[]): Promise<void> {
  await Promise.all(nodes.map(({ network }) => network.stop()));
}
