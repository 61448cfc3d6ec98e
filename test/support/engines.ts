/** A consortium of engines in one process: real libp2p on loopback, real LevelDB in a temporary directory, no JSON-RPC. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConsortium, type CastMember, type Consortium } from '../../devnet/cast.ts';
import { freePorts } from '../../devnet/ports.ts';
import { systemClock } from '../../node/clock.ts';
import { ed25519, sealingKeyPairFromSeed, signerFromSeed } from '../../node/ed25519.ts';
import { Engine } from '../../node/engine.ts';
import { silentLogger } from '../../node/log.ts';
import { startNetwork } from '../../node/network/network.ts';
import type { PeerAddress } from '../../node/network/ports.ts';
import type { Log } from '../../node/ports.ts';
import { repairFromPeers, type RepairOptions, type RepairReport } from '../../node/repair.ts';
import { closeStores, createStores, openStores, type Stores } from '../../node/stores.ts';
import type { MemberName } from '../../protocol/brand.ts';
import type { ConsensusParameters } from '../../protocol/genesis.ts';
import { signIssue } from './transactions.ts';

export interface EngineNode {
  readonly name: MemberName;
  readonly engine: Engine;
  readonly stores: Stores;
  readonly failures: readonly unknown[];
  readonly stop: () => Promise<void>;
}

export interface EngineConsortium {
  readonly consortium: Consortium;
  readonly start: (name: string) => Promise<EngineNode>;
  readonly homeOf: (name: string) => string;
  /** The member's node must not run. */
  readonly repair: (name: string, patienceMs?: number) => Promise<RepairReport>;
  readonly remove: () => void;
}

/** Homes with stores at genesis for every member; nothing runs yet. */
export async function engineConsortium(options: {
  readonly seed: string;
  readonly consensus?: Partial<ConsensusParameters>;
  readonly log?: Log;
}): Promise<EngineConsortium> {
  const { seed, consensus = {}, log = silentLogger } = options;
  const consortium = createConsortium({ seed, voterCount: 4, consensus });
  const directory = mkdtempSync(join(tmpdir(), 'rxl-engines-'));
  const ports = await freePorts(consortium.members.length);
  const addresses = new Map(
    consortium.members.map(({ name }, index) => [name, `/ip4/127.0.0.1/tcp/${ports[index] ?? 0}`]),
  );
  for (const { name, member } of consortium.members) {
    await createStores(join(directory, name), consortium.genesis, member.consensusKey);
  }
  return {
    consortium,
    start: async (name) => startEngine({ consortium, directory, addresses, log }, name),
    homeOf: (name) => join(directory, name),
    repair: async (name, patienceMs = 20_000) => {
      const setting = { consortium, directory, addresses, log };
      const home = join(directory, name);
      return repairFromPeers({ ...partsOf(setting, name), home, patienceMs, onProgress: () => undefined });
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
}

/** The keys of a member, and its way to the others. */
function partsOf({ consortium, addresses, log }: Setting, name: string): Parts {
  const cast = memberOf(consortium, name);
  const { genesis, chainId } = consortium;
  const peers = new Map<MemberName, PeerAddress>(
    genesis.members
      .filter((member) => member.name !== cast.name)
      .map((member) => [
        member.name,
        { networkKey: member.networkKey, addresses: [addresses.get(member.name) ?? ''] },
      ]),
  );
  const listen = [addresses.get(cast.name) ?? ''];
  const networkKeySeed = seedOf(cast, 'network');
  return {
    genesis,
    own: cast.member,
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
          peers,
          log,
          onTurnedAway: () => undefined,
        },
        handlers,
      ),
  };
}

async function startEngine(setting: Setting, name: string): Promise<EngineNode> {
  const { connect, ...parts } = partsOf(setting, name);
  const stores = await openStores(join(setting.directory, name), parts.genesis, parts.own.consensusKey);
  const failures: unknown[] = [];
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
  await engine.start(connect);
  const stop = async (): Promise<void> => {
    await engine.stop();
    await closeStores(stores);
  };
  return { name: parts.own.name, engine, stores, failures, stop };
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
