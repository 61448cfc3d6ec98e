import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sealingKeyPairFromSeed, signerFromSeed } from '../../../node/ed25519.ts';
import { KeystoreFailure, scryptNDefault, scryptNDevnet } from '../../../node/keyFile.ts';
import {
  createKey,
  devnetSeed,
  listKeys,
  requireDevnet,
  unlock,
  type KeyOrder,
} from '../../../node/keystore.ts';
import { bytesToHex } from '../../../protocol/bytes.ts';
import { aSeed } from '../../support/keys.ts';

const passphrase = 'correct horse battery staple';
const devnet = { isDevnet: true };

function anOrder(changes: Partial<KeyOrder> = {}): KeyOrder {
  return { name: 'consensus', purpose: 'consensus', passphrase, scryptN: scryptNDevnet, ...changes };
}

function failure(code: string): (error: unknown) => boolean {
  return (error) => error instanceof KeystoreFailure && error.code === code;
}

describe('the keystore', () => {
  let dir = '';

  beforeEach(async () => {
    dir = join(await mkdtemp(join(tmpdir(), 'rxledger-keys-')), 'keys');
  });

  afterEach(async () => {
    await rm(join(dir, '..'), { recursive: true, force: true });
  });

  it('opens every key that it wrote, each for its purpose', async () => {
    const purposes = ['network', 'consensus', 'sealing', 'admin'] as const;
    for (const purpose of purposes) {
      await createKey(dir, anOrder({ name: purpose, purpose, seed: aSeed(purpose) }));
    }
    await createKey(dir, anOrder({ name: 'dr-zhang', purpose: 'practitioner', seed: aSeed('zhang') }));
    const keystore = await unlock(dir, passphrase, devnet);
    assert.deepEqual(
      {
        names: keystore.names(),
        network: keystore.seed('network'),
        consensus: keystore.consensusSigner.publicKey,
        admin: keystore.adminSigner.publicKey,
        sealing: keystore.sealingSecret,
        doctor: keystore.signer('dr-zhang')?.publicKey,
      },
      {
        names: ['admin', 'consensus', 'dr-zhang', 'network', 'sealing'],
        network: aSeed('network'),
        consensus: signerFromSeed(aSeed('consensus')).publicKey,
        admin: signerFromSeed(aSeed('admin')).publicKey,
        sealing: sealingKeyPairFromSeed(aSeed('sealing')),
        doctor: signerFromSeed(aSeed('zhang')).publicKey,
      },
    );
    assert.deepEqual(await listKeys(dir), keystore.descriptions());
  });

  it('holds several consensus keys after a rotation, and then none of them is the one', async () => {
    const names = ['consensus', 'consensus-2'];
    for (const name of names)
      await createKey(dir, anOrder({ name, purpose: 'consensus', seed: aSeed(name) }));
    const keystore = await unlock(dir, passphrase, devnet);
    assert.deepEqual(
      new Set(keystore.consensusSigners.map(({ publicKey }) => publicKey)),
      new Set(names.map((name) => signerFromSeed(aSeed(name)).publicKey)),
    );
    assert.throws(() => keystore.consensusSigner, { code: 'missing' });
  });

  it('never signs a transaction with a network, consensus or sealing key', async () => {
    for (const purpose of ['network', 'consensus', 'sealing', 'admin'] as const) {
      await createKey(dir, anOrder({ name: purpose, purpose }));
    }
    const keystore = await unlock(dir, passphrase, devnet);
    assert.deepEqual(
      keystore.names().map((name) => keystore.signer(name) !== null),
      [true, false, false, false],
    );
  });

  it('says which key is missing', async () => {
    await assert.rejects(listKeys(dir), failure('missing'));
    await createKey(dir, anOrder());
    const keystore = await unlock(dir, passphrase, devnet);
    assert.equal(keystore.signer('nobody'), null);
    assert.throws(() => keystore.seed('network'), failure('missing'));
    assert.throws(() => keystore.adminSigner, failure('missing'));
    assert.throws(() => keystore.sealingSecret, failure('missing'));
  });

  it('refuses a wrong passphrase', async () => {
    await createKey(dir, anOrder());
    await assert.rejects(unlock(dir, `${passphrase} `, devnet), failure('passphrase'));
    await assert.rejects(unlock(dir, '', devnet), failure('passphrase'));
  });

  it('calls a file damaged if any one of its bytes that mean something has changed', async () => {
    await createKey(dir, anOrder());
    const path = join(dir, 'consensus.json');
    const text = await readFile(path, 'utf8');
    const notDamaged: number[] = [];
    for (let index = 0; index < text.length; index += 1) {
      if (/\s/.test(text[index] ?? '')) continue;
      const other = text[index] === '0' ? '1' : '0';
      await writeFile(path, text.slice(0, index) + other + text.slice(index + 1));
      const outcome = await listKeys(dir).catch((error: unknown) => error);
      if (!failure('damaged')(outcome)) notDamaged.push(index);
    }
    assert.deepEqual(notDamaged, []);
  });

  it('calls a file damaged that is cut, too large or under another name', async () => {
    await createKey(dir, anOrder());
    const path = join(dir, 'consensus.json');
    const text = await readFile(path, 'utf8');
    for (const other of ['', text.slice(0, 100), text + ' '.repeat(4_097)]) {
      await writeFile(path, other);
      await assert.rejects(unlock(dir, passphrase, devnet), failure('damaged'));
    }
    await writeFile(path, text);
    await rename(path, join(dir, 'admin.json'));
    await assert.rejects(unlock(dir, passphrase, devnet), failure('damaged'));
  });

  it('reads and writes for its owner only, and leaves no part of a file', async () => {
    await createKey(dir, anOrder());
    assert.equal((await stat(dir)).mode & 0o777, 0o700);
    assert.equal((await stat(join(dir, 'consensus.json'))).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(dir), ['consensus.json']);
  });

  it('passes over a part of a file that a crash left', async () => {
    await createKey(dir, anOrder());
    await writeFile(join(dir, 'admin.json.0011223344aa.part'), '{');
    assert.deepEqual((await unlock(dir, passphrase, devnet)).names(), ['consensus']);
  });

  it('keeps no seed in plain text', async () => {
    await createKey(dir, anOrder({ seed: aSeed('secret') }));
    const text = await readFile(join(dir, 'consensus.json'), 'utf8');
    assert.equal(text.includes(bytesToHex(aSeed('secret'))), false);
  });

  it('never overwrites a key', async () => {
    await createKey(dir, anOrder({ seed: aSeed('first') }));
    await assert.rejects(createKey(dir, anOrder({ seed: aSeed('second') })), failure('exists'));
    const keystore = await unlock(dir, passphrase, devnet);
    assert.deepEqual(keystore.seed('consensus'), aSeed('first'));
  });

  it('refuses a name that is not one', async () => {
    for (const name of ['', '..', '../admin', 'Admin', 'a b', 'a'.repeat(65)]) {
      await assert.rejects(createKey(dir, anOrder({ name })), failure('nameInvalid'));
    }
  });

  it('makes a fresh key each time', async () => {
    const one = await createKey(dir, anOrder({ name: 'one', purpose: 'practitioner' }));
    const two = await createKey(dir, anOrder({ name: 'two', purpose: 'practitioner' }));
    assert.notEqual(one.publicKey, two.publicKey);
  });

  it('opens a key that is cheap to guess on a devnet only', async () => {
    await createKey(dir, anOrder());
    await assert.rejects(unlock(dir, passphrase), failure('devnetOnly'));
    await assert.rejects(unlock(dir, passphrase, { isDevnet: false }), failure('devnetOnly'));
    assert.deepEqual((await unlock(dir, passphrase, devnet)).names(), ['consensus']);
  });

  it('opens a key of the full cost anywhere', async () => {
    const { scryptN: _, ...order } = anOrder();
    await createKey(dir, order);
    assert.deepEqual((await unlock(dir, passphrase)).names(), ['consensus']);
    const text = await readFile(join(dir, 'consensus.json'), 'utf8');
    assert.equal((JSON.parse(text) as { kdf: { n: number } }).kdf.n, scryptNDefault);
  });
});

describe('devnet keys', () => {
  it('follow from the seed, the member, the purpose and the name', () => {
    const seeds = [
      devnetSeed('seed', 'hospital-1', { purpose: 'admin', name: 'admin' }),
      devnetSeed('other', 'hospital-1', { purpose: 'admin', name: 'admin' }),
      devnetSeed('seed', 'hospital-2', { purpose: 'admin', name: 'admin' }),
      devnetSeed('seed', 'hospital-1', { purpose: 'network', name: 'admin' }),
      devnetSeed('seed', 'hospital-1', { purpose: 'admin', name: 'dr-zhang' }),
    ];
    assert.deepEqual(seeds[0], devnetSeed('seed', 'hospital-1', { purpose: 'admin', name: 'admin' }));
    assert.equal(new Set(seeds.map(bytesToHex)).size, seeds.length);
  });

  it('are refused on any other chain', () => {
    assert.throws(() => requireDevnet(false), failure('devnetOnly'));
    requireDevnet(true);
  });
});
