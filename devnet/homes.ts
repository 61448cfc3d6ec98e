/** Writes the home directory of each member of a consortium: keys, genesis and configuration, as `rxledger init` would. */
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { renderConfig } from '../node/configText.ts';
import { createHome, genesisText, homePaths, writeNewFile } from '../node/home.ts';
import { scryptNDevnet } from '../node/keyFile.ts';
import { createKey } from '../node/keystore.ts';
import { createStores } from '../node/stores.ts';
import type { LogLevel } from '../node/settings.ts';
import type { CastMember, Consortium } from './cast.ts';

/** No secret: the keys follow from the seed. */
export const devnetPassphrase = 'devnet';

/** Ports on 127.0.0.1. */
export interface NodePorts {
  readonly network: number;
  readonly rpc: number;
  /** The port at which a peer finds its network, if that is another one. */
  readonly seenBy?: (peer: string) => number;
}

export function homeOf(directory: string, name: string): string {
  return join(directory, name);
}

/** Whether the genesis knows a member; if not, it is a newcomer, whose home has keys and a configuration, and no ledger yet. */
export function isFounder({ genesis }: Consortium, name: string): boolean {
  return genesis.members.some((member) => member.name === name);
}

/** Keys, and for founders genesis and empty stores; the configuration follows when the ports are known. */
export async function writeHomes(directory: string, consortium: Consortium): Promise<void> {
  await Promise.all(
    consortium.members.map((member) => writeHome(homeOf(directory, member.name), member, consortium)),
  );
}

async function writeHome(home: string, member: CastMember, consortium: Consortium): Promise<void> {
  const paths = createHome(home);
  const practitionerKeys = member.practitioners
    .filter((practitioner) => practitioner.isInKeystore)
    .flatMap((practitioner) => practitioner.keys);
  for (const { name, purpose, seed } of [...member.keys, ...practitionerKeys]) {
    const order = { name, purpose, seed, passphrase: devnetPassphrase, scryptN: scryptNDevnet };
    await createKey(paths.keys, order);
  }
  if (!isFounder(consortium, member.name)) return;
  writeNewFile(paths.genesis, genesisText(consortium.genesis));
  await createStores(home, consortium.genesis, member.member.consensusKey);
}

/** May be written again with other ports. */
export function writeConfigs(
  directory: string,
  ports: ReadonlyMap<string, NodePorts>,
  logLevel: LogLevel,
): void {
  const address = (port: number): string => `/ip4/127.0.0.1/tcp/${port}`;
  for (const [name, { network, rpc }] of ports) {
    const others = [...ports].filter(([peer]) => peer !== name);
    const peers = others.map(([peer, at]) => [peer, [address(at.seenBy?.(name) ?? at.network)]] as const);
    const text = renderConfig({
      name,
      listen: [address(network)],
      peers: Object.fromEntries(peers),
      rpcHttp: `127.0.0.1:${rpc}`,
      logLevel,
      // Many homes on one disk, and none that lasts.
      disk: { softBytes: 0, hardBytes: 0, ballastBytes: 0 },
    });
    writeFileSync(homePaths(homeOf(directory, name)).config, text, { mode: 0o600 });
  }
}

export function memberOf(consortium: Consortium, name: string): CastMember {
  const member = consortium.members.find((candidate) => candidate.name === name);
  if (member === undefined) throw new RangeError(`no member ${name} in this consortium`);
  return member;
}
