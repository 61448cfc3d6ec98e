/** Homes that were tampered with or damaged: a node that starts from one must say what is wrong, and never start empty. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { homeOf, memberOf, writeConfigs, writeHomes } from '../../../devnet/homes.ts';
import { homePaths } from '../../../node/home.ts';
import { aConsortium, runCommand, type CommandResult } from '../../support/cluster.ts';

describe('a node whose home was changed', function changedHome() {
  this.timeout(60_000);
  let directory: string;
  let home: string;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'rxl-homes-'));
    const consortium = aConsortium('homes');
    const members = ['hospital', 'clinic'].map((name) => memberOf(consortium, name));
    await writeHomes(directory, { ...consortium, members });
    // Port 0: no such node ever gets as far as to listen.
    writeConfigs(directory, new Map(members.map(({ name }) => [name, { network: 0, rpc: 0 }])), 'info');
    home = homeOf(directory, 'hospital');
  });

  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it('names an unknown setting with its place and the nearest one that exists', async () => {
    appendFileSync(homePaths(home).config, '\n[log2]\n\n[metrics2]\n');
    const { exitCode, stderr } = await runCommand(home, ['start']);
    assert.equal(exitCode, 6);
    assert.match(stderr, /log2.*config\.toml:\d+:\d+|config\.toml:\d+:\d+.*log2/);
    assert.match(stderr, /^try: did you mean log/m);
  });

  /** Starts as far as to its listening address, which is taken: the stores are open by then. */
  const startUpToListening = async (): Promise<CommandResult> => {
    const taken = createServer();
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    writeConfigs(directory, new Map([['hospital', { network: port, rpc: 0 }]]), 'info');
    const result = await runCommand(home, ['start']);
    taken.close();
    return result;
  };

  it('only observes without its safety log, and remembers that (W6)', async () => {
    const { safety } = homePaths(home);
    for (const name of readdirSync(safety)) rmSync(join(safety, name), { recursive: true });
    const first = await startUpToListening();
    assert.match(first.stderr, /the safety log is lost: this node only observes for now \(W6\)/);
    const segments = readdirSync(safety).filter((name) => name.startsWith('segment'));
    assert.deepEqual(segments, ['segment-00000001']);
    assert.equal(readFileSync(join(safety, 'segment-00000001')).subarray(0, 8).toString(), 'rxlost01');
  });

  it("only observes with another node's safety log, which it keeps aside", async () => {
    const { safety } = homePaths(home);
    rmSync(safety, { recursive: true });
    cpSync(homePaths(homeOf(directory, 'clinic')).safety, safety, { recursive: true });
    const { stderr } = await startUpToListening();
    assert.match(stderr, /the safety log is lost/);
    assert.ok(readdirSync(safety).includes('void-segment-00000001'));
  });

  it('does not start from a ledger that lost the file by which it is found', async () => {
    const { ledger } = homePaths(home);
    rmSync(join(ledger, 'CURRENT'));
    assert.equal((await runCommand(home, ['start'])).exitCode, 4);
    assert.deepEqual(readdirSync(ledger).includes('CURRENT'), false);
  });

  it('does not open its keys with a wrong passphrase', async () => {
    const { exitCode, stderr } = await runCommand(home, ['start'], { RXLEDGER_PASSPHRASE: 'guess' });
    assert.deepEqual(
      [exitCode, stderr.trimEnd().split('\n').at(-1)],
      [7, 'try: check RXLEDGER_PASSPHRASE_FILE or RXLEDGER_PASSPHRASE'],
    );
  });

  it('says which address is taken, for its members and for its applications', async () => {
    const taken = createServer();
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const results: CommandResult[] = [];
    for (const ports of [
      { network: port, rpc: 0 },
      { network: 0, rpc: port },
    ]) {
      writeConfigs(directory, new Map([['hospital', ports]]), 'info');
      results.push(await runCommand(home, ['start']));
    }
    taken.close();
    const reason = `listen EADDRINUSE: address already in use 127.0.0.1:${port}`;
    assert.deepEqual(
      results.map(({ exitCode, stderr }) => [exitCode, stderr.includes(reason)]),
      [
        [1, true],
        [1, true],
      ],
    );
  });

  it('asks for a passphrase when none is given', async () => {
    assert.equal((await runCommand(home, ['start'], { RXLEDGER_PASSPHRASE: '' })).exitCode, 6);
  });
});
