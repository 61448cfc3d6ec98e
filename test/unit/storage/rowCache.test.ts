import assert from 'node:assert/strict';
import { RowCache } from '../../../node/storage/rowCache.ts';

const mebibyte = 1_048_576;

describe('the cache of rows', () => {
  it('gives what was set last, knows what is gone, and does not know what was never set', () => {
    const cache = new RowCache();
    cache.set('a', Uint8Array.of(1));
    cache.set('a', Uint8Array.of(2));
    cache.set('b', Uint8Array.of(3));
    cache.set('b', null);
    assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c')], [Uint8Array.of(2), null, undefined]);
  });

  it('keeps what is used, and forgets the rest before it has filled two generations', () => {
    const cache = new RowCache();
    cache.set('used', Uint8Array.of(1));
    cache.set('unused', Uint8Array.of(2));
    for (let count = 0; count < 17; count += 1) {
      cache.set(`row ${count}`, new Uint8Array(mebibyte));
      cache.get('used');
    }
    assert.deepEqual([cache.get('used'), cache.get('unused')], [Uint8Array.of(1), undefined]);
  });

  it('does not give an old row for one that is gone', () => {
    const cache = new RowCache();
    cache.set('a', Uint8Array.of(1));
    cache.set('large', new Uint8Array(8 * mebibyte));
    cache.set('a', null);
    assert.equal(cache.get('a'), null);
  });

  it('forgets that rows are not there, as it forgets rows', () => {
    const cache = new RowCache();
    cache.set('gone', null);
    for (let count = 0; count < 130_000; count += 1) cache.set(`absent ${count}`, null);
    assert.equal(cache.get('gone'), undefined);
    assert.equal(cache.get('absent 129999'), null);
  });

  it('counts a row that is written again and again once', () => {
    const cache = new RowCache();
    cache.set('unused', Uint8Array.of(1));
    for (let count = 0; count < 100; count += 1) cache.set('hot', new Uint8Array(mebibyte));
    assert.deepEqual(cache.get('unused'), Uint8Array.of(1));
  });
});
