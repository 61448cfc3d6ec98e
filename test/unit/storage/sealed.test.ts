/** Sealed documents and local secrets: kept, listed, and really forgotten. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSealed } from '../../../node/storage/sealed.ts';
import { aDigest, aFolder, anId, text } from './builders.ts';

function holds(directory: string, needle: string): boolean {
  return readdirSync(directory).some((name) => readFileSync(join(directory, name)).includes(needle));
}

describe('the sealed store', () => {
  it('keeps documents by the hash of their blob, and lists those of a prescription', async () => {
    const directory = join(aFolder(), 'sealed');
    const store = await openSealed(directory, 'create');
    await store.put({ rxId: anId(1), blobHash: aDigest(12), bytes: text('second') });
    await store.put({ rxId: anId(1), blobHash: aDigest(11), bytes: text('first') });
    await store.put({ rxId: anId(2), blobHash: aDigest(21), bytes: text('other') });
    await store.close();
    const again = await openSealed(directory, 'existing');
    assert.deepEqual(again.get(aDigest(11)), text('first'));
    assert.deepEqual([again.has(aDigest(12)), again.has(aDigest(13))], [true, false]);
    assert.deepEqual(await again.list(anId(1), 9), [aDigest(11), aDigest(12)]);
    assert.deepEqual(await again.list(anId(1), 1), [aDigest(11)]);
    assert.deepEqual(await again.list(anId(3), 9), []);
    await again.close();
  });

  it('leaves no byte of a deleted document or secret in its files', async () => {
    const directory = join(aFolder(), 'sealed');
    const store = await openSealed(directory, 'create');
    const bytes = text('a document to forget');
    await store.put({ rxId: anId(1), blobHash: aDigest(1), bytes });
    await store.put({ rxId: anId(2), blobHash: aDigest(2), bytes: text('a document to keep') });
    await store.putPrivate('token', text('a secret to forget'));
    assert.equal(holds(directory, 'to forget'), true);
    await store.delete(aDigest(1));
    await store.deletePrivate('token');
    await store.delete(aDigest(1));
    assert.deepEqual([store.get(aDigest(1)), store.getPrivate('token')], [null, null]);
    assert.deepEqual(await store.list(anId(1), 9), []);
    assert.deepEqual(store.get(aDigest(2)), text('a document to keep'));
    assert.equal(holds(directory, 'to forget'), false);
    await store.close();
  });

  it('keeps a secret of the node until it is replaced', async () => {
    const store = await openSealed(join(aFolder(), 'sealed'), 'create');
    await store.putPrivate('token/1', text('old'));
    await store.putPrivate('token/1', text('new'));
    assert.deepEqual(store.getPrivate('token/1'), text('new'));
    assert.equal(store.getPrivate('token/2'), null);
    await store.close();
  });
});
