import assert from 'node:assert/strict';
import { loadConfig, type ConfigSources } from '../../../node/config.ts';
import { placeOf, renderConfig } from '../../../node/configText.ts';
import { environmentName, nearestOf, settings } from '../../../node/settings.ts';

const minimal = '[node]\nname = "clinic"\n';

function load(text: string, rest: Partial<ConfigSources> = {}): ReturnType<typeof loadConfig> {
  return loadConfig({ home: '/home', text, environment: {}, flags: {}, ...rest });
}

function originOf(loaded: ReturnType<typeof loadConfig>, path: string): unknown {
  return loaded.ok ? loaded.value.origins.find((origin) => origin.path === path) : loaded.refusal;
}

function problemOf(text: string, rest: Partial<ConfigSources> = {}): unknown {
  const loaded = load(text, rest);
  return loaded.ok ? null : loaded.refusal;
}

function configOf(text: string): unknown {
  const loaded = load(text);
  return loaded.ok ? loaded.value.config : loaded.refusal;
}

describe('the configuration', () => {
  it('has a default for everything but the name', () => {
    const loaded = load(minimal);
    assert.deepEqual(loaded.ok && loaded.value.config, {
      node: { name: 'clinic' },
      network: { listen: ['/ip4/0.0.0.0/tcp/7400'], advertise: [], peers: {} },
      rpc: { socket: '/home/run/rpc.sock', http: null, origins: [], tokenFile: '/home/run/rpc.token' },
      metrics: { http: null },
      disk: { softBytes: 536_870_912, hardBytes: 134_217_728, ballastBytes: 268_435_456 },
      snapshots: { everyBlocks: 1_000 },
      log: { level: 'info', pretty: false },
    });
  });

  it('asks for the name', () => {
    assert.deepEqual(problemOf(''), {
      message: 'node.name is missing: the member that this node belongs to, as in the genesis file',
      hint: 'add it to config.toml, or set RXLEDGER_NODE__NAME',
    });
  });

  it('reads peers by their names', () => {
    const text = `${minimal}[network.peers]\npharmacy-2 = ["/ip4/10.0.0.6/tcp/7400"]\n`;
    const loaded = load(text);
    assert.deepEqual(loaded.ok && loaded.value.config.network.peers, {
      'pharmacy-2': ['/ip4/10.0.0.6/tcp/7400'],
    });
  });

  it('refuses an unknown key with line, column and the nearest key', () => {
    assert.deepEqual(problemOf(`${minimal}[rpc]\n  htpp = "off"\n`), {
      message: 'config.toml:4:3: unknown key rpc.htpp',
      hint: 'did you mean rpc.http?',
    });
  });

  it('refuses an unknown section with line, column and the nearest section', () => {
    assert.deepEqual(problemOf(`${minimal}[netwrok]\nlisten = []\n`), {
      message: 'config.toml:3:1: unknown key netwrok',
      hint: 'did you mean network?',
    });
  });

  it('refuses every key that lacks one letter', () => {
    for (const { path } of settings) {
      const [section = '', key = ''] = path.split('.');
      if (section === 'node') continue;
      assert.deepEqual(problemOf(`${minimal}[${section}]\n${key.slice(1)} = 1\n`), {
        message: `config.toml:4:1: unknown key ${section}.${key.slice(1)}`,
        hint: `did you mean ${path}?`,
      });
    }
  });

  it('says where the TOML is wrong', () => {
    assert.deepEqual(problemOf('[node\n'), {
      message: 'config.toml:1:6: Invalid TOML document: illegal character in key',
      hint: 'correct the TOML at that place',
    });
  });

  it('serves HTTP on loopback addresses only', () => {
    assert.deepEqual(problemOf(`${minimal}[rpc]\nhttp = "0.0.0.0:7401"\n`), {
      message: 'rpc.http: expected "off" or a loopback address such as "127.0.0.1:7401" (config.toml:4:1)',
      hint: 'rpc.http is JSON-RPC over HTTP and WebSocket: off, or a loopback address; see `rxledger config explain`',
    });
  });

  it('refuses a socket path that the system would cut', () => {
    assert.deepEqual(problemOf(minimal, { home: `/${'h'.repeat(100)}` }), {
      message: 'rpc.socket: the path has more than 100 bytes',
      hint: 'set rpc.socket to a shorter absolute path',
    });
  });

  it('takes a default before nothing, the file before a default', () => {
    assert.deepEqual(originOf(load(minimal), 'rpc.http'), {
      path: 'rpc.http',
      value: 'off',
      origin: 'default',
    });
    assert.deepEqual(originOf(load(`${minimal}[rpc]\nhttp = "127.0.0.1:1"\n`), 'rpc.http'), {
      path: 'rpc.http',
      value: '127.0.0.1:1',
      origin: 'config.toml:4:1',
    });
  });

  it('takes the environment before the file, a flag before the environment', () => {
    const text = `${minimal}[rpc]\nhttp = "127.0.0.1:1"\n`;
    const environment = { RXLEDGER_RPC__HTTP: '127.0.0.1:2' };
    assert.deepEqual(originOf(load(text, { environment }), 'rpc.http'), {
      path: 'rpc.http',
      value: '127.0.0.1:2',
      origin: 'environment RXLEDGER_RPC__HTTP',
    });
    assert.deepEqual(originOf(load(text, { environment, flags: { 'rpc.http': 'off' } }), 'rpc.http'), {
      path: 'rpc.http',
      value: 'off',
      origin: 'flag',
    });
  });

  it('refuses an unknown variable of its own in the environment', () => {
    assert.deepEqual(problemOf(minimal, { environment: { RXLEDGER_RPC__HTP: 'off' } }), {
      message: 'unknown variable RXLEDGER_RPC__HTP in the environment',
      hint: 'did you mean RXLEDGER_RPC__HTTP?',
    });
  });

  it('reads a number from the file, the environment and a flag, and refuses what is none', () => {
    const path = 'snapshots.everyBlocks';
    const environment = { RXLEDGER_SNAPSHOTS__EVERY_BLOCKS: '20' };
    const valueOf = (rest: Partial<ConfigSources>): unknown => {
      const loaded = load(`${minimal}[snapshots]\neveryBlocks = 10\n`, rest);
      return loaded.ok ? loaded.value.config.snapshots.everyBlocks : loaded.refusal;
    };
    assert.equal(valueOf({}), 10);
    assert.equal(valueOf({ environment }), 20);
    assert.equal(valueOf({ environment, flags: { [path]: '0' } }), 0);
    assert.deepEqual(problemOf(`${minimal}[snapshots]\neveryBlocks = -1\n`), {
      message: `${path}: Too small: expected number to be >=0 (config.toml:4:1)`,
      hint: `${path} is blocks from one snapshot of the state to the next, for members that join; 0 makes none; see \`rxledger config explain\``,
    });
  });

  it('leaves the variables of the home and the passphrase alone', () => {
    const environment = {
      RXLEDGER_HOME: '/x',
      RXLEDGER_PASSPHRASE: 'x',
      RXLEDGER_PASSPHRASE_FILE: '/y',
      PATH: '',
    };
    assert.equal(load(minimal, { environment }).ok, true);
  });

  it('reads what it writes', () => {
    const text = renderConfig({
      name: 'clinic',
      listen: ['/ip4/127.0.0.1/tcp/4000'],
      peers: { hospital: ['/ip4/127.0.0.1/tcp/4001'] },
      rpcHttp: '127.0.0.1:0',
      logLevel: 'warn',
      disk: { softBytes: 3, hardBytes: 2, ballastBytes: 1 },
    });
    const loaded = load(text);
    assert.deepEqual(loaded.ok && loaded.value.config, {
      node: { name: 'clinic' },
      network: {
        listen: ['/ip4/127.0.0.1/tcp/4000'],
        advertise: [],
        peers: { hospital: ['/ip4/127.0.0.1/tcp/4001'] },
      },
      rpc: {
        socket: '/home/run/rpc.sock',
        http: { host: '127.0.0.1', port: 0 },
        origins: [],
        tokenFile: '/home/run/rpc.token',
      },
      metrics: { http: null },
      disk: { softBytes: 3, hardBytes: 2, ballastBytes: 1 },
      snapshots: { everyBlocks: 1_000 },
      log: { level: 'warn', pretty: false },
    });
  });

  it('writes every default as a comment, each of which holds when it is uncommented', () => {
    const text = renderConfig({ name: 'clinic' }).replaceAll(/^# (\w+ = )/gm, '$1');
    const uncommented = text.replace(/^clinic = .*$/m, '');
    assert.deepEqual(configOf(uncommented), configOf(minimal));
  });
});

describe('names of settings', () => {
  it('are words in capitals in the environment', () => {
    assert.equal(environmentName('rpc.tokenFile'), 'RXLEDGER_RPC__TOKEN_FILE');
  });

  it('have no near word that shares nothing with them', () => {
    assert.equal(nearestOf('zzzzzzzz', ['listen', 'http']), null);
  });

  it('are found under a dotted key and under a table', () => {
    assert.equal(placeOf('a = 1\n rpc.http = "off"\n', 'rpc.http'), 'config.toml:2:2');
    assert.equal(placeOf('[ rpc ]\n"http" = "off"\n', 'rpc.http'), 'config.toml:2:1');
  });
});
