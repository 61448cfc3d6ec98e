import assert from 'node:assert/strict';
import { RowCache } from '../../../node/storage/rowCache.ts';

const mebibyte = 1_048_576;

/** A cache in front of rows that are all as long as their key, but for those whose key says that there is none; and what it asked for. */
function aCache(): { readonly cache: RowCache; readonly asked: string[] } {
  const asked: string[] = [];
  const cache = new RowCache((key) => {
    asked.push(key);
    return key.startsWith('absent') ? null : new Uint8Array(key.length);
  });
  return { cache, asked };
}

describe('the cache of rows', () => {
  it('asks for a row once, and once for one that is not there', () => {
    const { cache, asked } = aCache();
    for (let count = 0; count < 3; count += 1) {
      assert.deepEqual(cache.get('abc'), new Uint8Array(3));
      assert.equal(cache.get('absent'), null);
    }
    assert.deepEqual(asked, ['abc', 'absent']);
  });

  it('gives what was set last, and null for what is gone', () => {
    const { cache, asked } = aCache();
    cache.set('a', Uint8Array.of(1));
    cache.set('a', Uint8Array.of(2));
    cache.set('b', Uint8Array.of(3));
    cache.set('b', null);
    assert.deepEqual([cache.get('a'), cache.get('b')], [Uint8Array.of(2), null]);
    assert.deepEqual(asked, []);
  });

  it('keeps what is used, and forgets the rest before it has filled two generations', () => {
    const { cache, asked } = aCache();
    for (const key of ['used', 'unused', 'absent and used', 'absent']) cache.get(key);
    asked.length = 0;
    for (let count = 0; count < 17; count += 1) {
      cache.set(`row ${count}`, new Uint8Array(mebibyte));
      cache.get('used');
      cache.get('absent and used');
    }
    for (const key of ['used', 'unused', 'absent and used', 'absent']) cache.get(key);
    assert.deepEqual(asked, ['unused', 'absent']);
  });

  it('forgets that rows are not there, as it forgets rows', () => {
    const { cache, asked } = aCache();
    for (let count = 0; count < 130_000; count += 1) cache.get(`absent ${count}`);
    asked.length = 0;
    cache.get('absent 0');
    cache.get('absent 129999');
    assert.deepEqual(asked, ['absent 0']);
  });

  it('does not give an old row for one that is gone', () => {
    const { cache } = aCache();
    cache.set('a', Uint8Array.of(1));
    cache.set('large', new Uint8Array(8 * mebibyte));
    cache.set('a', null);
    assert.equal(cache.get('a'), null);
  });

  it('counts a row that is written again and again once', () => {
    const { cache, asked } = aCache();
    cache.get('kept');
    for (let count = 0; count < 100; count += 1) cache.set('hot', new Uint8Array(mebibyte));
    cache.get('kept');
    assert.deepEqual(asked, ['kept']);
  });
});
