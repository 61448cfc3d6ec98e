import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createConsortium } from '../../../devnet/cast.ts';
import { startDevnet, type DevnetNode, type Supervisor } from '../../../devnet/supervisor.ts';
import { until } from '../../support/wait.ts';

const devnetProgram = fileURLToPath(new URL('../../../devnet/main.js', import.meta.url));
const nodeProgram = fileURLToPath(new URL('../../../node/main.js', import.meta.url));

/** Each node throws where nobody catches when it gets this signal. */
const plantedError = `data:text/javascript,process.on('SIGUSR2',()=>{throw(new(Error)('planted'))})`;

function isAlive(pid: number | null): boolean {
  if (pid === null) return false;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('the supervisor of the devnet', function supervisorOfTheDevnet() {
  this.timeout(120_000);
  let devnet: Supervisor;

  before(async () => {
    devnet = await startDevnet({
      consortium: createConsortium({ seed: 'supervisor', voterCount: 4 }),
      isKept: false,
      environment: { NODE_OPTIONS: `--import ${JSON.stringify(plantedError)}` },
    });
  });

  after(async () => {
    await devnet.stopAll();
  });

  it('runs one ready process per member', async () => {
    const names = devnet.names.map((name) => devnet.client(name).call('node_status', {}));
    assert.deepEqual(
      (await Promise.all(names)).map((status) => [status.name, status.sentence]),
      devnet.names.map((name) => [name, null]),
    );
  });

  it('gives each node a status that the command line shows', () => {
    const { home } = devnet.node('clinic');
    const { status, stdout } = spawnSync(process.execPath, [nodeProgram, '--home', home, 'status'], {
      encoding: 'utf8',
    });
    assert.deepEqual(
      [status, stdout.split('\n')[0], stdout.trimEnd().split('\n').at(-1)],
      [0, 'member   clinic (hospital; voter)', 'ready'],
    );
  });

  it('keeps a second process out of a home that is in use', () => {
    const { home } = devnet.node('clinic');
    const { status, stderr } = spawnSync(process.execPath, [nodeProgram, '--home', home, 'start'], {
      encoding: 'utf8',
      env: { ...process.env, RXLEDGER_PASSPHRASE: 'devnet' },
    });
    assert.deepEqual([status, /^try: /m.test(stderr)], [1, true]);
  });

  it('kills a node and starts it again on the same ports', async () => {
    const before = devnet.node('insurer');
    await devnet.kill('insurer');
    assert.deepEqual([isAlive(before.pid), devnet.node('insurer').pid], [false, null]);
    await devnet.start('insurer');
    await devnet.waitUntilReady('insurer');
    assert.equal(devnet.node('insurer').rpcUrl, before.rpcUrl);
  });

  it('sees a node stop in order after an error that nobody caught, and go on when it is started again', async () => {
    const { pid, logFile } = devnet.node('clinic');
    process.kill(pid ?? 0, 'SIGUSR2');
    await until('the clinic has ended', () => devnet.node('clinic').pid === null);
    const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-20).join('\n');
    const order = [
      '"level":"fatal"',
      '"message":"planted"',
      '"msg":"stopped"',
      'error: the node stopped',
      'try: ',
    ];
    const places = order.map((part) => lines.indexOf(part));
    assert.deepEqual([places.includes(-1), places.toSorted((a, b) => a - b)], [false, places]);
    await devnet.start('clinic');
    await devnet.waitUntilReady('clinic');
  });

  it('leaves neither processes nor files', async () => {
    const pids = devnet.names.map((name) => devnet.node(name).pid);
    await devnet.stopAll();
    assert.deepEqual([pids.filter(isAlive), existsSync(devnet.directory)], [[], false]);
  });
});

describe('a node of the devnet', function nodeOfTheDevnet() {
  this.timeout(120_000);

  it('does not outlive a supervisor that is killed', async () => {
    const child = spawn(process.execPath, [devnetProgram, '--json'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const { nodes } = JSON.parse(line) as { readonly nodes: readonly DevnetNode[] };
    const pids = nodes.map(({ pid }) => pid);
    assert.deepEqual(
      pids.map(isAlive),
      pids.map(() => true),
    );
    child.kill('SIGKILL');
    await until('every node has ended', () => !pids.some(isAlive));
    rmSync(dirname(nodes[0]?.home ?? ''), { recursive: true });
  });
});
