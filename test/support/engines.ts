/** A consortium of engines in one process: real libp2p on loopback, real LevelDB in a temporary directory, no JSON-RPC. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConsortium, type CastMember, type Consortium } from '../../devnet/cast.ts';
import { freePorts } from '../../devnet/ports.ts';
import { systemClock } from '../../node/clock.ts';
import { ed25519, sealingKeyPairFromSeed, signerFromSeed } from '../../node/ed25519.ts';
import { Engine } from '../../node/engine.ts';
import { joinChain } from '../../node/joining.ts';
import { silentLogger } from '../../node/log.ts';
import { startNetwork } from '../../node/network/network.ts';
import type { NetworkHandlers } from '../../node/network/ports.ts';
import type { Log } from '../../node/ports.ts';
import { ownMember } from '../../node/ownMember.ts';
import { repairFromPeers, type RepairOptions, type RepairReport } from '../../node/repair.ts';
import { SnapshotMaker } from '../../node/snapshotMaker.ts';
import { closeStores, createStores, openStores, type Stores } from '../../node/stores.ts';
import type { MemberName } from '../../protocol/brand.ts';
import type { ConsensusParameters } from '../../protocol/genesis.ts';
import { decodeRequest, encodeAnswer, type SyncAnswer, type SyncRequest } from '../../protocol/sync.ts';
import { withNewcomers } from './newcomers.ts';
import { signIssue } from './transactions.ts';

export interface EngineNode {
  readonly name: MemberName;
  readonly engine: Engine;
  readonly stores: Stores;
  readonly failures: readonly unknown[];
  /** A consensus frame as if `from` had sent it. */
  readonly hear: NetworkHandlers['onConsensusFrame'];
  readonly stop: () => Promise<void>;
}

/** What a server answers instead of the truth; null for the truth. */
export type Liar = (request: SyncRequest) => SyncAnswer | null | Promise<SyncAnswer | null>;

export interface EngineConsortium {
  readonly consortium: Consortium;
  /** A node of a consortium with snapshots looks for one if it is empty. */
  readonly start: (name: string, lie?: Liar) => Promise<EngineNode>;
  /** Empties the data directory of a node that does not run; its keys and its safety log stay. */
  readonly emptyData: (name: string) => void;
  readonly homeOf: (name: string) => string;
  /** Why somebody was not let in, at any node, in the order of time. */
  readonly turnedAway: readonly string[];
  /** The member's node must not run. */
  readonly repair: (name: string, patienceMs?: number) => Promise<RepairReport>;
  readonly remove: () => void;
}

/** Homes with stores at genesis for every member; nothing runs yet. */
export async function engineConsortium(options: {
  readonly seed: string;
  readonly consensus?: Partial<ConsensusParameters>;
  readonly log?: Log;
  /** Null: nobody makes snapshots or looks for one. */
  readonly snapshotEveryBlocks?: number | null;
  /** Members of the cast that the genesis does not know: the others have no address of theirs. */
  readonly newcomers?: readonly string[];
}): Promise<EngineConsortium> {
  const { seed, consensus = {}, log = silentLogger, snapshotEveryBlocks = null, newcomers = [] } = options;
  const consortium = withNewcomers(createConsortium({ seed, voterCount: 4, consensus }), newcomers);
  const directory = mkdtempSync(join(tmpdir(), 'rxl-engines-'));
  const ports = await freePorts(consortium.members.length);
  const addresses = new Map(
    consortium.members.map(({ name }, index) => [name, `/ip4/127.0.0.1/tcp/${ports[index] ?? 0}`]),
  );
  for (const { name, member } of consortium.members) {
    await createStores(join(directory, name), consortium.genesis, member.consensusKey);
  }
  const turnedAway: string[] = [];
  const setting = { consortium, directory, addresses, log, snapshotEveryBlocks, turnedAway };
  return {
    consortium,
    start: async (name, lie = () => null) => startEngine({ ...setting, lie }, name),
    emptyData: (name) => {
      const data = join(directory, name, 'data');
      for (const entry of readdirSync(data)) rmSync(join(data, entry), { recursive: true });
    },
    homeOf: (name) => join(directory, name),
    turnedAway,
    repair: async (name, patienceMs = 20_000) => {
      const home = join(directory, name);
      return repairFromPeers({
        ...partsOf({ ...setting, lie: () => null }, name),
        home,
        patienceMs,
        onProgress: () => undefined,
      });
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

type Parts = Omit<RepairOptions, 'home' | 'patienceMs' | 'onProgress'>;

interface Setting {
  readonly consortium: Consortium;
  readonly directory: string;
  readonly addresses: ReadonlyMap<MemberName, string>;
  readonly log: Log;
  readonly snapshotEveryBlocks: number | null;
  readonly turnedAway: string[];
  readonly lie: Liar;
}

/** The keys of a member, and its way to the others, whose questions it may answer with lies. */
function partsOf({ consortium, addresses, log, lie, turnedAway }: Setting, name: string): Parts {
  const cast = memberOf(consortium, name);
  const { genesis, chainId } = consortium;
  const others = genesis.members.filter(({ name: other }) => other !== cast.name);
  const listen = [addresses.get(cast.name) ?? ''];
  const networkKeySeed = seedOf(cast, 'network');
  return {
    genesis,
    own: ownMember(genesis, cast.name, cast.keys) ?? cast.member,
    signer: signerFromSeed(seedOf(cast, 'consensus')),
    sealing: sealingKeyPairFromSeed(seedOf(cast, 'sealing')),
    scheme: ed25519,
    verifyMany: async (items) =>
      items.map(({ message, signature, key }) => ed25519.verify(message, signature, key)),
    clock: systemClock,
    log,
    connect: async (handlers) =>
      startNetwork(
        {
          own: cast.name,
          networkKeySeed,
          chainId,
          listen,
          advertise: [],
          members: new Map(others.map(({ name: other, networkKey }) => [other, networkKey])),
          addresses: Object.fromEntries(
            others.map(({ name: other }) => [other, [addresses.get(other) ?? '']]),
          ),
          log,
          onTurnedAway: (reason) => void turnedAway.push(reason),
        },
        { ...handlers, onRequest: async (from, bytes) => answerWith(handlers, lie, { from, bytes }) },
      ),
  };
}

async function answerWith(
  handlers: NetworkHandlers,
  lie: Liar,
  { from, bytes }: { readonly from: MemberName; readonly bytes: Uint8Array },
): Promise<Uint8Array> {
  const request = decodeRequest(bytes);
  const answer = request.ok ? await lie(request.value) : null;
  return answer === null ? handlers.onRequest(from, bytes) : encodeAnswer(answer);
}

async function startEngine(setting: Setting, name: string): Promise<EngineNode> {
  const { connect, ...parts } = partsOf(setting, name);
  const home = join(setting.directory, name);
  const opened = await openStores(home, parts.genesis, parts.own.consensusKey);
  const isJoining = setting.snapshotEveryBlocks !== null;
  const joined = isJoining
    ? await joinChain(opened, { ...parts, home, connect })
    : { stores: opened, connect };
  const { stores } = joined;
  const failures: unknown[] = [];
  const maker = new SnapshotMaker({
    snapshots: stores.snapshots,
    everyBlocks: setting.snapshotEveryBlocks ?? 0,
    log: setting.log,
    onFailure: (cause) => failures.push(cause),
  });
  stores.ledger.captureFor(maker);
  const engine = new Engine({
    ...parts,
    stores,
    isObserver: false,
    hasRoom: () => true,
    onCommitted: () => undefined,
    onExpired: () => undefined,
    onCommitMs: () => undefined,
    onFsyncMs: () => undefined,
    onFatal: (cause) => failures.push(cause),
  });
  let hear: EngineNode['hear'] = () => undefined;
  await engine.start(async (handlers) => {
    hear = handlers.onConsensusFrame;
    return joined.connect(handlers);
  });
  const stop = async (): Promise<void> => {
    await engine.stop();
    await maker.stop();
    await closeStores(stores);
  };
  return { name: parts.own.name, engine, stores, failures, hear, stop };
}

function memberOf(consortium: Consortium, name: string): CastMember {
  const member = consortium.members.find((candidate) => candidate.name === name);
  if (member === undefined) throw new Error(`no member ${name}`);
  return member;
}

function seedOf(member: CastMember, purpose: string): Uint8Array {
  const key = member.keys.find((candidate) => candidate.purpose === purpose);
  if (key === undefined) throw new Error(`no ${purpose} key`);
  return key.seed;
}

/** A signed `rx.issue` of the hospital's named doctor, with a fresh prescription and patient. */
export function anIssue(consortium: Consortium): Uint8Array {
  return signIssue(consortium, 'hospital', 0).bytes;
}
