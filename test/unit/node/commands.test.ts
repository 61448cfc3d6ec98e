import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { explainConfig } from '../../../node/commands/config.ts';
import { createGenesis, type GenesisOptions } from '../../../node/commands/genesis.ts';
import { initHome, installGenesis } from '../../../node/commands/init.ts';
import { listAllKeys, newKey, showKey } from '../../../node/commands/keys.ts';
import {
  answered,
  failed,
  renderOutcome,
  type CommandContext,
  type CommandOutcome,
} from '../../../node/commands/outcome.ts';
import { prepareHome } from '../../../node/commands/start.ts';
import { verifyStampFile } from '../../../node/commands/stamp.ts';
import { describeStatus, showStatus } from '../../../node/commands/status.ts';
import { genesisText, readGenesis, readPassphrase } from '../../../node/home.ts';
import { scryptNDevnet } from '../../../node/keyFile.ts';
import { createKey } from '../../../node/keystore.ts';
import { closeStores, openStores } from '../../../node/stores.ts';
import type { Height, Timestamp } from '../../../protocol/brand.ts';
import { encodeReceipt, receiptsRoot, type Receipt } from '../../../protocol/receipt.ts';
import { encodeStamp, makeStamp } from '../../../protocol/stamp.ts';
import { aCommitOf, aHeader, aTransaction, later, testGenesis } from '../../support/chain.ts';

const program = fileURLToPath(new URL('../../../node/main.js', import.meta.url));
const founders = ['hospital', 'clinic', 'pharmacy', 'insurer'];
let directory = '';

function contextOf(name: string): CommandContext {
  return { home: join(directory, name), environment: { RXLEDGER_PASSPHRASE: 'secret' } };
}

function exitOf(outcome: CommandOutcome): string {
  return outcome.kind === 'failed' ? `${outcome.exit}: ${outcome.message}` : outcome.exit;
}

/** Writes the descriptor that `init` would print, without the second that five real keys cost. */
async function initMember(name: string): Promise<string> {
  const path = join(directory, `${name}.json`);
  const outcome = await initHome(contextOf(name), { name, roles: ['hospital'], listen: [], advertise: [] });
  assert.equal(outcome.kind, 'answered', exitOf(outcome));
  if (outcome.kind === 'answered') writeFileSync(path, outcome.lines.join('\n'));
  return path;
}

function genesisOptions(memberPaths: readonly string[], voters: readonly string[]): GenesisOptions {
  return {
    name: 'city',
    memberPaths,
    voters,
    outputPath: join(directory, 'genesis.json'),
    createdAt: 1_767_225_600_000 as Timestamp,
    deltaMs: 500,
    blockIntervalMsMin: 100,
    heartbeatMs: 30_000,
  };
}

function run(...parameters: string[]): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const environment = { PATH: process.env['PATH'], RXLEDGER_HOME: join(directory, 'nowhere') };
  return spawnSync(process.execPath, [program, ...parameters], { encoding: 'utf8', env: environment });
}

describe('the command line', () => {
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'rxledger-commands-'));
  });

  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it('ends every error with one line that says what to try', () => {
    const outcome = failed('notReady', { message: 'no node answers', hint: 'run `rxledger start`' });
    assert.deepEqual(renderOutcome(outcome, false), {
      stdout: '',
      stderr: 'error: no node answers\ntry: run `rxledger start`\n',
      exitCode: 3,
    });
  });

  it('answers and fails in JSON if asked to', () => {
    assert.deepEqual(renderOutcome(answered(['seven'], { height: 7 }), true), {
      stdout: '{"height":7}\n',
      stderr: '',
      exitCode: 0,
    });
    assert.deepEqual(renderOutcome(failed('usage', { message: 'm', hint: 'h' }), true), {
      stdout: '',
      stderr: '{"error":{"exitCode":2,"message":"m","hint":"h"}}\n',
      exitCode: 2,
    });
  });

  it('exits with 2 on wrong usage, and says so on standard error', () => {
    const { status, stdout, stderr } = run('stmap');
    assert.deepEqual({ status, stdout }, { status: 2, stdout: '' });
    assert.equal(stderr.trimEnd().split('\n').at(-1), 'try: rxledger --help');
  });

  it('exits with 6 without a configuration', () => {
    const { status, stderr } = run('start');
    assert.equal(status, 6);
    assert.match(stderr, /^error: cannot read .*config\.toml \(ENOENT\)\ntry: run `rxledger init`/);
  });

  it('founds a consortium from member descriptors', async function founding() {
    // Twenty keys at the full cost of scrypt.
    this.timeout(60_000);
    const paths: string[] = [];
    for (const name of founders) paths.push(await initMember(name));
    const outcome = createGenesis(genesisOptions(paths, founders));
    assert.equal(exitOf(outcome), 'ok');
    const genesis = readGenesis(join(directory, 'genesis.json'));
    assert.deepEqual(genesis.ok && genesis.value.members.map(({ name }) => name), founders);
    assert.equal(
      exitOf(await installGenesis(contextOf('clinic'), join(directory, 'genesis.json'), false)),
      'ok',
    );
    const files = readdirSync(join(directory, 'clinic')).toSorted((a, b) => (a < b ? -1 : 1));
    assert.deepEqual(files, ['anchor', 'config.toml', 'data', 'genesis.json', 'keys', 'run', 'safety']);
  });

  it('begins with a whole memory under new keys, and with a lost one under keys that were in a home before (W6)', async () => {
    const genesisPath = join(directory, 'genesis.json');
    const genesis = readGenesis(genesisPath);
    assert.ok(genesis.ok);
    const emptied = contextOf('emptied');
    cpSync(join(directory, 'clinic', 'keys'), join(emptied.home, 'keys'), { recursive: true });
    const memoryIn = async (home: string): Promise<readonly string[]> => {
      const { consensusKey } =
        genesis.value.members.find(({ name }) => name === 'clinic') ?? assert.fail('a clinic');
      const stores = await openStores(home, genesis.value, consensusKey);
      await closeStores(stores);
      return stores.safety.entries.map(({ kind }) => kind);
    };
    const outcome = await installGenesis(emptied, genesisPath, false);
    assert.equal(
      outcome.kind === 'answered' && JSON.stringify(outcome.json).includes('"isFirstUse":false'),
      true,
    );
    assert.deepEqual(await memoryIn(join(directory, 'clinic')), []);
    assert.deepEqual(await memoryIn(emptied.home), ['memory']);
  });

  it('makes a home that nobody else can read', () => {
    const modes = ['', 'config.toml', 'keys', 'keys/admin.json', 'run', 'safety', 'data'].map(
      (path) => statSync(join(directory, 'clinic', path)).mode & 0o777,
    );
    assert.deepEqual(modes, [0o700, 0o600, 0o700, 0o600, 0o700, 0o700, 0o700]);
  });

  it('never overwrites a home, a genesis or a key', async () => {
    const again = await initHome(contextOf('clinic'), {
      name: 'clinic',
      roles: ['hospital'],
      listen: [],
      advertise: [],
    });
    assert.match(exitOf(again), /^refusedForSafety: .* is not empty$/);
    const genesisPath = join(directory, 'genesis.json');
    assert.match(
      exitOf(await installGenesis(contextOf('clinic'), genesisPath, false)),
      /^refusedForSafety: .* exists$/,
    );
    assert.match(exitOf(createGenesis(genesisOptions([], founders))), /^refusedForSafety: .* exists$/);
  });

  it('refuses a genesis that does not know the keys of the home', async () => {
    const path = join(directory, 'other.json');
    writeFileSync(path, genesisText(testGenesis));
    const outcome = await installGenesis(contextOf('hospital'), path, false);
    assert.equal(exitOf(outcome), 'failure: the genesis knows none of the keys of this home');
  });

  it('installs a genesis that does not know the home for who joins later, and for nobody else', async () => {
    const path = join(directory, 'genesis.json');
    const newcomer = contextOf('newcomer');
    await initHome(newcomer, { name: 'newcomer', roles: ['pharmacy'], listen: [], advertise: [] });
    const outcome = await installGenesis(newcomer, path, true);
    assert.deepEqual(outcome.kind === 'answered' && outcome.lines[0], 'member   newcomer (newcomer)');
    assert.equal(existsSync(join(directory, 'newcomer', 'genesis.json')), true);

    const namesake = contextOf('namesake');
    await initHome(namesake, { name: 'clinic', roles: ['pharmacy'], listen: [], advertise: [] });
    assert.equal(
      exitOf(await installGenesis(namesake, path, true)),
      'failure: the genesis knows clinic, or a key of this home',
    );
    const prepared = await prepareHome(newcomer, {});
    assert.deepEqual('own' in prepared && [prepared.own.name, prepared.own.status], ['newcomer', 'proposed']);
  });

  it('refuses fewer voters than can outvote one that lies', () => {
    const options = { ...genesisOptions([], ['a', 'b', 'c']), outputPath: join(directory, 'new.json') };
    assert.equal(exitOf(createGenesis(options)), 'refusedForSafety: 3 voters cannot outvote one that lies');
  });

  it('refuses unknown roles and names that are not words', async () => {
    const home = contextOf('new');
    const wrong = { roles: ['hospital', 'bank'], listen: [], advertise: [] };
    assert.equal(exitOf(await initHome(home, { ...wrong, name: 'x' })), 'usage: unknown member role');
    assert.equal(
      exitOf(await initHome(home, { ...wrong, name: 'The Clinic' })),
      'usage: a member name is lower-case words with hyphens',
    );
  });

  it('explains where a setting comes from', () => {
    const context = { ...contextOf('clinic'), environment: { RXLEDGER_RPC__HTTP: '127.0.0.1:7401' } };
    const outcome = explainConfig(context, 'rpc.http');
    assert.deepEqual(outcome.kind === 'answered' && outcome.json, [
      { path: 'rpc.http', value: '127.0.0.1:7401', origin: 'environment RXLEDGER_RPC__HTTP' },
    ]);
  });

  it('says that no node runs', async () => {
    const outcome = await showStatus(contextOf('clinic'));
    assert.match(exitOf(outcome), /^notReady: no node answers at .*rpc\.sock$/);
  });
});

describe('keys', () => {
  const context = (): CommandContext => contextOf('keystore');

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'rxledger-commands-'));
    mkdirSync(join(directory, 'keystore'));
    const order = { name: 'admin', purpose: 'admin', passphrase: 'secret', scryptN: scryptNDevnet } as const;
    await createKey(join(directory, 'keystore', 'keys'), order);
  });

  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it('are made with the passphrase of the keystore only', async () => {
    const wrong = { ...context(), environment: { RXLEDGER_PASSPHRASE: 'guess' } };
    assert.equal(exitOf(await newKey(wrong, 'dr-zhang')), 'notAuthorised: keystore: passphrase: admin');
    assert.equal(exitOf(await newKey(context(), 'dr-zhang')), 'ok');
    assert.equal(exitOf(await newKey(context(), 'dr-zhang')), 'refusedForSafety: keystore: exists: dr-zhang');
  });

  it('are listed without a passphrase and without a secret', async () => {
    const outcome = await listAllKeys({ ...context(), environment: {} });
    const lines = outcome.kind === 'answered' ? outcome.lines : [];
    assert.deepEqual(
      lines.map((line) => line.replace(/[0-9a-f]{64}$/, 'key').replaceAll(/ +/g, ' ')),
      ['admin admin key', 'dr-zhang practitioner key'],
    );
  });

  it('are shown by name', async () => {
    assert.equal(exitOf(await showKey(context(), 'admin')), 'ok');
    assert.equal(exitOf(await showKey(context(), 'dr-li')), 'failure: no key of this name');
  });

  it('ask for a passphrase from the environment or from a file', () => {
    const path = join(directory, 'passphrase');
    writeFileSync(path, 'secret\n');
    assert.deepEqual(readPassphrase({ RXLEDGER_PASSPHRASE_FILE: path }), { ok: true, value: 'secret' });
    assert.deepEqual(readPassphrase({}), {
      ok: false,
      refusal: {
        message: 'no passphrase for the keystore',
        hint: 'set RXLEDGER_PASSPHRASE_FILE to a file that holds it (or RXLEDGER_PASSPHRASE)',
      },
    });
  });
});

describe('stamp verify', () => {
  const transaction = aTransaction();
  const receipt: Receipt = {
    txId: transaction.txId,
    height: 1 as Height,
    index: 0,
    timeMs: later(1_000),
    outcome: 'committed',
    code: null,
    policyVersion: 1,
  };
  const header = aHeader({ receiptsRoot: receiptsRoot([encodeReceipt(receipt)]) });
  const finality = { headers: [header], certificate: aCommitOf(header), closings: [] };
  const stamp = encodeStamp(
    makeStamp({ transaction: transaction.envelopeBytes, receipts: [receipt], index: 0, finality }),
  );

  function verify(content: Uint8Array | string): CommandOutcome {
    const path = join(directory, 'stamp');
    writeFileSync(path, content);
    return verifyStampFile(path, join(directory, 'genesis.json'));
  }

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'rxledger-commands-'));
    writeFileSync(join(directory, 'genesis.json'), genesisText(testGenesis));
  });

  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it('says what a good stamp says', () => {
    const outcome = verify(stamp);
    const key = transaction.signatures[0]?.key ?? '';
    assert.deepEqual(outcome.kind === 'answered' && outcome.lines, [
      'The stamp is good: a quorum of the voters of test-chain committed this.',
      'kind         practitioner.register',
      'outcome      committed',
      'height       1',
      'time         2026-01-05T12:00:01.000Z',
      'member       hospital',
      `signed by    administrator of hospital (key ${key.slice(0, 16)}…)`,
      `transaction  0x${transaction.txId}`,
    ]);
  });

  it('reads the text that tx_stamp answers', () => {
    assert.equal(exitOf(verify(`0x${Buffer.from(stamp).toString('hex')}\n`)), 'ok');
  });

  it('refuses a stamp with a byte changed', () => {
    const changed = stamp.map((byte, index) => (index === stamp.length - 1 ? byte ^ 1 : byte));
    assert.equal(exitOf(verify(changed)), 'failure: the stamp is not good (badSignature)');
  });

  it('refuses a stamp of another chain', () => {
    writeFileSync(join(directory, 'genesis.json'), genesisText({ ...testGenesis, name: 'other' }));
    assert.equal(exitOf(verify(stamp)), 'failure: the stamp is not good (wrongChain)');
  });
});

describe('status', () => {
  const status = {
    name: 'clinic',
    roles: ['hospital'],
    isVoter: true,
    height: 12,
    view: 14,
    leader: 'hospital',
    peerCount: 5,
    missing: [],
    mempoolCount: 0,
    sentence: null,
  } as const;

  it('is five lines', () => {
    const outcome = describeStatus(status, { live: true, ready: { ok: true, reasons: [] } });
    assert.deepEqual(outcome.kind === 'answered' && outcome.lines, [
      'member   clinic (hospital; voter)',
      'ledger   height 12, view 14, leader hospital',
      'peers    5 connected',
      'waiting  0 transactions',
      'ready',
    ]);
  });

  it('says in one sentence what is wrong, and exits with 3', () => {
    const sentence = 'Stalled 42 s at view 14: waiting for 1 of {insurer, pharmacy}.';
    const stalled = { ...status, missing: ['insurer', 'pharmacy'], sentence };
    const outcome = describeStatus(stalled, {
      live: true,
      ready: { ok: false, reasons: ['Too few voters.'] },
    });
    assert.deepEqual(outcome.kind === 'answered' && [outcome.exit, outcome.lines[2], outcome.lines[4]], [
      'notReady',
      'peers    5 connected; not heard: insurer, pharmacy',
      `not ready: ${sentence}`,
    ]);
  });
});
