import assert from 'node:assert/strict';
import { ed25519 } from '../../../node/ed25519.ts';
import { stateKeyBytesMax } from '../../../protocol/limits.ts';
import { practitionerCodec, practitionerRecordKey } from '../../../protocol/practitioner.ts';
import type { RefusalCode } from '../../../protocol/refusal.ts';
import {
  decodeStateStamp,
  encodeStateStamp,
  verifyStateStamp,
  type StateStamp,
} from '../../../protocol/stateStamp.ts';
import { aCommitOf, aGenesis, anId, testGenesis, valueOf } from '../../support/chain.ts';
import { aStampedBlock, aStateStamp } from '../../support/stamps.ts';

const block = aStampedBlock();
const stamp = aStateStamp(block);

function codeOf(altered: StateStamp, genesis = testGenesis): RefusalCode | null {
  const verdict = verifyStateStamp(encodeStateStamp(altered), genesis, ed25519);
  return verdict.ok ? null : verdict.refusal.code;
}

describe('a state stamp', () => {
  it('proves what a record was as of a height', () => {
    const verified = valueOf(verifyStateStamp(encodeStateStamp(stamp), testGenesis, ed25519));
    assert.deepEqual(verified, { key: stamp.key, value: stamp.value, header: block.header });
    assert.deepEqual(practitionerCodec.decode(verified.value ?? new Uint8Array(0)).suspensions, []);
  });

  it('proves that there was no record', () => {
    const absent = aStateStamp(block, practitionerRecordKey(anId(99)));
    assert.equal(absent.value, null);
    assert.equal(codeOf(absent), null);
    assert.equal(codeOf({ ...absent, value: new Uint8Array(1) }), 'proofInvalid');
  });

  it('survives its encoding', () => {
    assert.deepEqual(valueOf(decodeStateStamp(encodeStateStamp(stamp))), stamp);
  });

  it('is refused with any one byte changed', () => {
    const bytes = encodeStateStamp(stamp);
    const passed: string[] = [];
    for (let at = 0; at < bytes.length; at += 1) {
      for (const mask of [0x01, 0x20, 0xff]) {
        const altered = bytes.with(at, (bytes[at] ?? 0) ^ mask);
        if (verifyStateStamp(altered, testGenesis, ed25519).ok) passed.push(`${at} ^ ${mask}`);
      }
    }
    assert.deepEqual(passed, []);
  });

  it('is refused with another value, without one, and under another key', () => {
    assert.equal(codeOf({ ...stamp, value: new Uint8Array(3) }), 'proofInvalid');
    assert.equal(codeOf({ ...stamp, value: null }), 'proofInvalid');
    assert.equal(codeOf({ ...stamp, key: practitionerRecordKey(anId(2)) }), 'proofInvalid');
  });

  it('is refused under another genesis, and without a quorum', () => {
    assert.equal(codeOf(stamp, aGenesis({ name: 'other-chain' })), 'wrongChain');
    assert.equal(codeOf({ ...stamp, certificate: aCommitOf(block.header, [0, 3]) }), 'certificateInvalid');
  });

  it('bounds the key: at the limit and one past it, and keeps it to ASCII', () => {
    assert.equal(codeOf({ ...stamp, key: 'k'.repeat(stateKeyBytesMax) }), 'proofInvalid');
    assert.throws(() => encodeStateStamp({ ...stamp, key: 'k'.repeat(stateKeyBytesMax + 1) }));
    assert.throws(() => encodeStateStamp({ ...stamp, key: 'ключ' }));
  });
});
