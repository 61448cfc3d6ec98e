/** `stamp verify`: offline, with the genesis file only. `stamp get`: a stamp from a running node. */
import { writeFileSync } from 'node:fs';
import type { PublicKey, Timestamp } from '../../protocol/brand.ts';
import { hexToBytes } from '../../protocol/bytes.ts';
import type { Genesis } from '../../protocol/genesis.ts';
import type { Json } from '../../protocol/json.ts';
import { stampBytesMax } from '../../protocol/limits.ts';
import { verifyStamp, type VerifiedStamp } from '../../protocol/stamp.ts';
import { ed25519 } from '../ed25519.ts';
import { readBytes, readGenesis } from '../home.ts';
import { withClient } from './client.ts';
import { answered, failed, type CommandContext, type CommandOutcome } from './outcome.ts';

/** The stamp as bytes, or as the text that `tx_stamp` answers: `0x` and hex digits. */
function stampBytes(file: Buffer): Uint8Array {
  const text = file.subarray(0, 2).toString('latin1') === '0x' ? file.toString('latin1').trim() : '';
  return /^0x([0-9a-f]{2})+$/.test(text) ? hexToBytes(text.slice(2)) : Uint8Array.from(file);
}

export function verifyStampFile(stampPath: string, genesisPath: string): CommandOutcome {
  const genesis = readGenesis(genesisPath);
  if (!genesis.ok) return failed('failure', genesis.refusal);
  const file = readBytes(stampPath, 2 * stampBytesMax + 3);
  if (!file.ok) return failed('failure', file.refusal);
  const verdict = verifyStamp(stampBytes(file.value), genesis.value, ed25519);
  if (verdict.ok) return describeStamp(verdict.value, genesis.value);
  const { code, detail } = verdict.refusal;
  const reason = detail === null ? code : `${code}: ${detail}`;
  const hint =
    'trust nothing that this file says; ask another member for the stamp, and check the genesis file';
  return failed('failure', { message: `the stamp is not good (${reason})`, hint });
}

function describeStamp(stamp: VerifiedStamp, genesis: Genesis): CommandOutcome {
  const { transaction, receipt } = stamp;
  const time = isoTime(receipt.timeMs);
  const outcome = receipt.code === null ? receipt.outcome : `${receipt.outcome} (${receipt.code})`;
  const signers = transaction.signatures.map(({ key }) => ({ key, name: signerName(genesis, key) }));
  const lines = [
    `The stamp is good: a quorum of the voters of ${genesis.name} committed this.`,
    `kind         ${transaction.action.kind}`,
    `outcome      ${outcome}`,
    `height       ${receipt.height}`,
    `time         ${time}`,
    `member       ${transaction.member}`,
    ...signers.map(({ key, name }) => `signed by    ${name} (key ${key.slice(0, 16)}…)`),
    `transaction  0x${receipt.txId}`,
  ];
  const json: Json = {
    isValid: true,
    chain: genesis.name,
    txId: `0x${receipt.txId}`,
    kind: transaction.action.kind,
    member: transaction.member,
    outcome: receipt.outcome,
    code: receipt.code,
    height: receipt.height,
    index: receipt.index,
    time,
    signers: signers.map(({ key, name }) => ({ key: `0x${key}`, name })),
  };
  return answered(lines, json);
}

/** Who holds the key as far as the genesis tells; later practitioners and patients' keys are not in it. */
function signerName(genesis: Genesis, key: PublicKey): string {
  const admin = genesis.members.find((member) => member.adminKey === key);
  if (admin !== undefined) return `administrator of ${admin.name}`;
  const practitioner = genesis.practitioners.find(({ keys }) => keys.includes(key));
  if (practitioner === undefined) return 'a key that is not in the genesis';
  return `${practitioner.roles.join(' and ')} ${practitioner.id} of ${practitioner.member}`;
}

/** RFC 3339 in UTC with milliseconds. */
function isoTime(timeMs: Timestamp): string {
  return new Date(timeMs).toISOString();
}

export async function getStamp(
  context: CommandContext,
  txId: string,
  outputPath: string,
): Promise<CommandOutcome> {
  const id = txId.startsWith('0x') ? txId.slice(2) : txId;
  if (!/^[0-9a-f]{64}$/.test(id)) {
    return failed('usage', {
      message: 'a transaction id has 64 hex digits',
      hint: 'copy it from the answer to the submission',
    });
  }
  return withClient(context, async (call) => {
    const { stamp } = await call('tx_stamp', { txId: `0x${id}` });
    const bytes = hexToBytes(stamp.slice(2));
    writeFileSync(outputPath, bytes, { flag: 'wx' });
    return answered([`wrote ${bytes.length} bytes to ${outputPath}`], {
      path: outputPath,
      size: bytes.length,
    });
  });
}
