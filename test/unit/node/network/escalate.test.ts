/** Which uncaught errors a node outlives. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { isNetworkNoise } from '../../../../node/network/escalate.ts';
import { BrokenInvariant } from '../../../../protocol/invariant.ts';

function named(name: string, stack: string): Error {
  return Object.assign(new Error('any'), { name, stack });
}

const inLibrary = 'at f (file:///x/node_modules/@libp2p/utils/dist/src/stream.js:1:1)';
const inOurs = 'at f (file:///x/dist/node/reactor.js:1:1)';

describe('noise of the network', () => {
  it('is what libp2p throws after a stream has closed', () => {
    assert.equal(isNetworkNoise(named('StreamStateError', inLibrary)), true);
    assert.equal(isNetworkNoise(named('AbortError', inLibrary)), true);
  });

  it('is a connection that the other side reset', () => {
    assert.equal(
      isNetworkNoise(Object.assign(new Error('any'), { syscall: 'read', code: 'ECONNRESET' })),
      true,
    );
  });

  it('is never an error of ours', () => {
    assert.equal(isNetworkNoise(new BrokenInvariant('any')), false);
    assert.equal(isNetworkNoise(new TypeError('x is not a function')), false);
    assert.equal(isNetworkNoise(named('AbortError', inOurs)), false);
    assert.equal(isNetworkNoise('text'), false);
  });

  it('is not a port that is taken', () => {
    const error = Object.assign(new Error('any'), { syscall: 'listen', code: 'EADDRINUSE' });
    assert.equal(isNetworkNoise(error), false);
  });
});

describe('a broken invariant', () => {
  it('ends the process, though a library catches whatever its handlers throw', () => {
    const escalateUrl = new URL('../../../../node/network/escalate.js', import.meta.url).href;
    const invariantUrl = new URL('../../../../protocol/invariant.js', import.meta.url).href;
    const program = `
      import { escalateIfBroken } from '${escalateUrl}';
      import { BrokenInvariant } from '${invariantUrl}';
      process.on('uncaughtException', (error) => process.exit(error.name === 'BrokenInvariant' ? 70 : 1));
      const handler = () => { throw new BrokenInvariant('any'); };
      try { handler(); } catch (error) { escalateIfBroken(error); }
      escalateIfBroken(new Error('a failure'));
    `;
    const { status } = spawnSync(process.execPath, ['--input-type=module', '--eval', program]);
    assert.equal(status, 70);
  });
});
