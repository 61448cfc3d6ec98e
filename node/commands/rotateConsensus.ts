/** `keys rotate-consensus`: makes the member's next consensus key and moves that it take the place of the present one. */
import { randomBytes } from 'node:crypto';
import type { Height, Id, PublicKey, Timestamp } from '../../protocol/brand.ts';
import { bytesToHex } from '../../protocol/bytes.ts';
import { chainIdOf } from '../../protocol/genesis.ts';
import { motionHeightsDefault } from '../../protocol/limits.ts';
import type { MemberKeys } from '../../protocol/member.ts';
import type { Signer } from '../../protocol/signature.ts';
import { seedSize, signerFromSeed } from '../ed25519.ts';
import { homePaths, readPassphrase } from '../home.ts';
import type { KeyDescription } from '../keyFile.ts';
import { createKey } from '../keystore.ts';
import type { MemberView } from '../rpc/governanceContract.ts';
import { beginKeyLog } from '../stores.ts';
import { withClient } from './client.ts';
import { afterMotion } from './member.ts';
import { signOffline } from './offline.ts';
import { failed, type CommandContext, type CommandOutcome } from './outcome.ts';
import { prepareHome, type PreparedHome } from './start.ts';

const receiptWaitMs = 60_000;
const laterName = /^consensus-([1-9][0-9]{0,8})$/;

/**
 * The node must run. Called again, it goes on with the key that an earlier call made, as long as that is not in force. `now` is the wall
 * clock, Unix ms.
 */
export async function rotateConsensus(context: CommandContext, now: Timestamp): Promise<CommandOutcome> {
  const prepared = await prepareHome(context, {});
  if ('kind' in prepared) return prepared;
  const passphrase = readPassphrase(context.environment);
  if (!passphrase.ok) return failed('configuration', passphrase.refusal);
  const { genesis, own, keystore } = prepared;
  return withClient(context, async (call) => {
    const { member, asOfHeight } = await call('member_get', { name: own.name });
    const present = keysOf(member);
    const signer =
      madeBefore(prepared, present.consensusKey) ?? (await makeKey(context, prepared, passphrase.value));
    const motionId = bytesToHex(randomBytes(16)) as Id;
    const expiresHeight = (asOfHeight + motionHeightsDefault) as Height;
    const keys = { ...present, consensusKey: signer.publicKey };
    const body = { motionId, expiresHeight, member: own.name, keys };
    const act = {
      chainId: chainIdOf(genesis),
      member: own.name,
      action: { kind: 'member.rotate', body },
    } as const;
    const transaction = signOffline(act, [keystore.adminSigner, signer], now);
    const result = await call('tx_submit', { transaction, timeoutMs: receiptWaitMs });
    return afterMotion(call, { ...result, motionId: `0x${motionId}` });
  });
}

function keysOf(member: MemberView): MemberKeys {
  const bare = (key: string): PublicKey => key.slice('0x'.length) as PublicKey;
  return {
    networkKey: bare(member.networkKey),
    consensusKey: bare(member.consensusKey),
    sealingKey: bare(member.sealingKey),
    adminKey: bare(member.adminKey),
  };
}

/** The newest of the home, unless it is the present one. */
function madeBefore({ keystore }: PreparedHome, present: PublicKey): Signer | null {
  const newest = newestOf(keystore.descriptions());
  if (newest === null || newest.publicKey === present) return null;
  return keystore.consensusSigners.find(({ publicKey }) => publicKey === newest.publicKey) ?? null;
}

/** The log first: a key without one could never be told from a key that forgot (W6). */
async function makeKey(
  context: CommandContext,
  { genesis, keystore }: PreparedHome,
  passphrase: string,
): Promise<Signer> {
  const seed = Uint8Array.from(randomBytes(seedSize));
  const signer = signerFromSeed(seed);
  beginKeyLog(context.home, genesis, signer.publicKey);
  const name = `consensus-${numberOf(newestOf(keystore.descriptions())) + 1}`;
  await createKey(homePaths(context.home).keys, { name, purpose: 'consensus', seed, passphrase });
  return signer;
}

function newestOf(keys: readonly KeyDescription[]): KeyDescription | null {
  const ours = keys.filter(({ purpose }) => purpose === 'consensus');
  return ours.toSorted((a, b) => numberOf(b) - numberOf(a))[0] ?? null;
}

/** The home's first key has no number. */
function numberOf(key: KeyDescription | null): number {
  return Number(laterName.exec(key?.name ?? '')?.[1] ?? 1);
}
