import assert from 'node:assert/strict';
import type { Digest, Id, Timestamp } from '../../../protocol/brand.ts';
import { accepted } from '../../../protocol/result.ts';
import { fault, type Outcome } from '../../../node/rpc/errors.ts';
import { rememberedMsMax, rememberedWritesMax } from '../../../node/rpc/limits.ts';
import { writeMemory, type BuiltWrite, type WriteMemory } from '../../../node/rpc/writeMemory.ts';
import { anId, noon } from '../../support/chain.ts';

const write: BuiltWrite = {
  txId: '00'.repeat(32) as Digest,
  envelopeBytes: Uint8Array.of(1),
  notAfter: noon,
  extra: {},
};

/** Whether the memory asked for the write to be built, and not for the first time. */
async function isBuilt(memory: WriteMemory, id: Id, now: Timestamp = noon): Promise<boolean> {
  let built = false;
  await memory.once({ id, fingerprint: 'same', now }, async () => {
    built = true;
    return accepted(write);
  });
  return built;
}

describe('the memory of writes', () => {
  it('builds one write for calls that come at once', async () => {
    const memory = writeMemory();
    const built = await Promise.all([
      isBuilt(memory, anId(1)),
      isBuilt(memory, anId(1)),
      isBuilt(memory, anId(2)),
    ]);
    assert.deepEqual(built, [true, false, true]);
  });

  it('knows other parameters under a used id', async () => {
    const memory = writeMemory();
    await isBuilt(memory, anId(1));
    const other = { id: anId(1), fingerprint: 'other', now: noon };
    assert.equal(
      memory.once(other, () => assert.fail('built')),
      null,
    );
  });

  it('forgets a write that was refused while it was built', async () => {
    const memory = writeMemory();
    const refusing = async (): Promise<Outcome<BuiltWrite>> => fault('invalidParams');
    await memory.once({ id: anId(1), fingerprint: 'same', now: noon }, refusing);
    assert.equal(await isBuilt(memory, anId(1)), true);
  });

  it('forgets the secrets of a write after its time', async () => {
    const memory = writeMemory();
    await isBuilt(memory, anId(1));
    assert.equal(await isBuilt(memory, anId(1), (noon + rememberedMsMax - 1) as Timestamp), false);
    assert.equal(await isBuilt(memory, anId(1), (noon + rememberedMsMax) as Timestamp), true);
  });

  it('forgets the oldest write when it is full', async () => {
    const memory = writeMemory();
    for (let number = 1; number <= rememberedWritesMax; number += 1) await isBuilt(memory, anId(number));
    assert.equal(await isBuilt(memory, anId(2)), false);
    assert.equal(await isBuilt(memory, anId(1)), true);
  });
});
