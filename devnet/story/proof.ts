/** The end of the story: every stamp is checked without any node, and every node has the same state. */
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { verifyStamp } from '../../protocol/stamp.ts';
import { ed25519 } from '../../node/ed25519.ts';
import { readGenesis } from '../../node/home.ts';
import { programPath } from '../supervisor.ts';
import { waitForHeight } from './height.ts';
import { tellFact, type Stage } from './step.ts';

export async function tellStamps(stage: Stage): Promise<void> {
  const names = readdirSync(stage.stampDirectory).filter((name) => name.endsWith('.stamp'));
  const paths = names.map((name) => join(stage.stampDirectory, name));
  const refusedPath = paths.find((path) => path.endsWith('.refused.stamp')) ?? '';
  await tellFact(
    stage,
    {
      title: 'anybody: checks every stamp with the genesis file, without a node',
      expected: `${paths.length} of ${paths.length} good`,
    },
    async () => `${countGood(stage, paths)} of ${paths.length} good`,
  );
  const issuePath = paths.find((path) => path.endsWith('-rx.issue.stamp')) ?? '';
  await tellFact(
    stage,
    { title: 'anybody: rxledger stamp verify, the first issue', expected: 'good: committed' },
    async () => verifyByCommand(stage, issuePath),
  );
  await tellFact(
    stage,
    { title: 'anybody: rxledger stamp verify, a refusal', expected: 'good: refused' },
    async () => verifyByCommand(stage, refusedPath),
  );
  await tellFact(
    stage,
    { title: 'anybody: rxledger stamp verify, the same with one byte changed', expected: 'not good' },
    async () => verifyByCommand(stage, changedCopy(stage, refusedPath)),
  );
}

function countGood(stage: Stage, paths: readonly string[]): number {
  const genesis = readGenesis(stage.devnet.genesisFile);
  if (!genesis.ok) throw new Error(genesis.refusal.message);
  return paths.filter((path) => verifyStamp(readFileSync(path), genesis.value, ed25519).ok).length;
}

function changedCopy(stage: Stage, path: string): string {
  const bytes = readFileSync(path);
  const middle = bytes.length >>> 1;
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  const copy = join(stage.stampDirectory, 'one-byte-changed');
  writeFileSync(copy, bytes);
  return copy;
}

/** `good: committed`, `good: refused`, or `not good`. */
async function verifyByCommand(stage: Stage, path: string): Promise<string> {
  const command = [programPath, '--json', 'stamp', 'verify', path, '--genesis', stage.devnet.genesisFile];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, command, (error, stdout) => {
      if (error === null) {
        const { outcome } = JSON.parse(stdout) as { readonly outcome: string };
        resolve(`good: ${outcome}`);
      } else if (error.code === 1) resolve('not good');
      else reject(error);
    });
  });
}

/** Voters and observers, each asked on its own node. */
export async function tellSameState(stage: Stage): Promise<void> {
  const { names } = stage.devnet;
  const heads = await Promise.all(
    names.map(async (name) => stage.devnet.client(name).call('ledger_head', {})),
  );
  const height = Math.max(...heads.map((head) => head.height));
  const title = `all ${names.length} nodes: the state at height ${height}`;
  await tellFact(stage, { title, expected: 'one state root' }, async () => {
    const roots = await Promise.all(names.map(async (name) => stateRootAt(stage, name, height)));
    const count = new Set(roots).size;
    return count === 1 ? 'one state root' : `${count} state roots`;
  });
}

async function stateRootAt(stage: Stage, name: string, height: number): Promise<string> {
  await waitForHeight(stage, name, height);
  const { header } = await stage.devnet.client(name).call('ledger_header', { height });
  return header.stateRoot;
}
