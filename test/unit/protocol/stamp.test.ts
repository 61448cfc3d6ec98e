import assert from 'node:assert/strict';
import { ed25519 } from '../../../node/ed25519.ts';
import type { Header } from '../../../protocol/block.ts';
import type { Epoch, MemberName, View, VoterIndex } from '../../../protocol/brand.ts';
import { encodeCbor } from '../../../protocol/codec.ts';
import { stampBytesMax, stampHeadersMax } from '../../../protocol/limits.ts';
import type { RefusalCode } from '../../../protocol/refusal.ts';
import { refused } from '../../../protocol/result.ts';
import { decodeStamp, encodeStamp, verifyStamp, type Stamp } from '../../../protocol/stamp.ts';
import {
  aCertificate,
  aChildOf,
  aCommitOf,
  aDigest,
  aGenesis,
  anEnvelope,
  aTransaction,
  aVoterSet,
  testGenesis,
  valueOf,
} from '../../support/chain.ts';
import { aStamp, aStampedBlock, finalityOf } from '../../support/stamps.ts';

const block = aStampedBlock();
const stamp = aStamp(block);

function codeOf(altered: Stamp, genesis = testGenesis): RefusalCode | null {
  const verdict = verifyStamp(encodeStamp(altered), genesis, ed25519);
  return verdict.ok ? null : verdict.refusal.code;
}

/** The stamp with its block followed by others, the last of them certified. */
function withHeaders(headers: readonly Header[]): Stamp {
  return { ...stamp, headers, certificate: aCommitOf(headers.at(-1) ?? block.header) };
}

describe('a stamp', () => {
  it('proves what the ledger answered to every transaction of a block, refusals too', () => {
    for (const [index, transaction] of block.transactions.entries()) {
      const verified = valueOf(verifyStamp(encodeStamp(aStamp(block, index)), testGenesis, ed25519));
      assert.deepEqual(verified, {
        transaction,
        receipt: block.execution.receipts[index],
        header: block.header,
      });
    }
    assert.equal(block.execution.receipts.at(-1)?.code, 'practitionerExists');
  });

  it('proves it in blocks of every size', () => {
    for (const count of [1, 2, 3, 4, 7, 8, 9]) {
      const other = aStampedBlock(count);
      for (let index = 0; index < count; index += 1) assert.equal(codeOf(aStamp(other, index)), null);
    }
  });

  it('survives its encoding', () => {
    assert.deepEqual(valueOf(decodeStamp(encodeStamp(stamp))), stamp);
  });

  it('fits a QR code', () => {
    assert.ok(encodeStamp(stamp).length < 2_048, `${encodeStamp(stamp).length} bytes`);
  });

  it('is refused with any one byte changed', () => {
    const bytes = encodeStamp(stamp);
    const passed: string[] = [];
    for (let at = 0; at < bytes.length; at += 1) {
      for (const mask of [0x01, 0x20, 0xff]) {
        const altered = bytes.with(at, (bytes[at] ?? 0) ^ mask);
        if (verifyStamp(altered, testGenesis, ed25519).ok) passed.push(`${at} ^ ${mask}`);
      }
    }
    assert.deepEqual(passed, []);
  });

  it('is refused cut short at any byte, and with bytes after it', () => {
    const bytes = encodeStamp(stamp);
    for (let size = 0; size < bytes.length; size += 1) {
      assert.equal(verifyStamp(bytes.subarray(0, size), testGenesis, ed25519).ok, false);
    }
    assert.equal(verifyStamp(new Uint8Array([...bytes, 0]), testGenesis, ed25519).ok, false);
  });

  it('is refused when it is too large, and when it is no stamp', () => {
    const large = new Uint8Array(stampBytesMax + 1);
    assert.deepEqual(
      verifyStamp(large, testGenesis, ed25519),
      refused('tooLarge', `at most ${stampBytesMax} bytes`),
    );
    assert.deepEqual(verifyStamp(encodeCbor({}), testGenesis, ed25519), refused('malformed', 'transaction'));
  });

  it('is refused under the genesis of another chain', () => {
    assert.equal(codeOf(stamp, aGenesis({ name: 'other-chain' })), 'wrongChain');
  });

  it('is refused with another transaction, receipt, place, number of receipts or path', () => {
    const { receipt, path } = stamp;
    const other = aStamp(block, 1);
    assert.equal(codeOf({ ...stamp, transaction: other.transaction }), 'proofInvalid');
    assert.equal(codeOf({ ...stamp, receipt: other.receipt }), 'proofInvalid');
    assert.equal(codeOf({ ...stamp, receipt: { ...receipt, index: 1 } }), 'proofInvalid');
    assert.equal(
      codeOf({ ...stamp, receipt: { ...receipt, outcome: 'refused', code: 'expired' } }),
      'proofInvalid',
    );
    assert.equal(codeOf({ ...stamp, count: stamp.count + 1 }), 'proofInvalid');
    assert.equal(codeOf({ ...stamp, count: 1 }), 'proofInvalid');
    assert.equal(codeOf({ ...stamp, path: path.slice(1) }), 'proofInvalid');
    assert.equal(codeOf({ ...stamp, path: [...path, aDigest(1)] }), 'proofInvalid');
    assert.equal(codeOf({ ...stamp, path: path.toReversed() }), 'proofInvalid');
  });

  it('is refused when a signature of the transaction is not good', () => {
    const good = block.transactions[2]?.signatures[0]?.sig ?? '';
    const hex = Buffer.from(stamp.transaction).toString('hex');
    const bad = hex.replace(good, `${'0'.repeat(8)}${good.slice(8)}`);
    assert.equal(codeOf({ ...stamp, transaction: Buffer.from(bad, 'hex') }), 'badSignature');
  });

  it('is refused when it carries bytes that are no transaction', () => {
    const bytes = encodeCbor({ payload: new Uint8Array(1), signatures: [] });
    assert.equal(codeOf({ ...stamp, transaction: bytes }), 'malformed');
  });

  it('does not take an act on another chain for one on this', () => {
    const foreign = { ...stamp, transaction: anEnvelope({ chainId: aDigest(5) }) };
    assert.equal(codeOf(foreign), 'proofInvalid');
    assert.notEqual(aTransaction({ chainId: aDigest(5) }).txId, aTransaction().txId);
  });
});

describe('the finality in a stamp', () => {
  it('may rest on a descendant of the block', () => {
    const child = aChildOf(block.header);
    const grandchild = aChildOf(child, { view: 9 as View });
    assert.equal(codeOf(withHeaders([block.header, child, grandchild])), null);
  });

  it('is refused when a link between headers is missing or out of order', () => {
    const child = aChildOf(block.header);
    const grandchild = aChildOf(child);
    assert.equal(codeOf(withHeaders([block.header, grandchild])), 'headerInvalid');
    assert.equal(codeOf(withHeaders([block.header, grandchild, child])), 'headerInvalid');
    assert.equal(codeOf(withHeaders([child, block.header])), 'headerInvalid');
  });

  it('is refused when the certified header is another than the block’s', () => {
    assert.equal(codeOf(withHeaders([aChildOf(block.header)])), 'proofInvalid');
  });

  it('bounds the headers: at the limit and one past it', () => {
    const headers = [block.header];
    while (headers.length < stampHeadersMax) headers.push(aChildOf(headers.at(-1) ?? block.header));
    assert.equal(codeOf(withHeaders(headers)), null);
    const over = { ...withHeaders(headers), headers: [...headers, aChildOf(headers.at(-1) ?? block.header)] };
    assert.throws(() => encodeStamp(over));
    assert.throws(() => encodeStamp({ ...stamp, headers: [] }));
  });

  it('needs a commit: a certificate of prepares or of a skip is refused', () => {
    const { epoch, view } = block.header;
    const { digest } = stamp.certificate;
    const prepares = aCertificate({ kind: 'prepare', epoch, view, digest });
    const skips = aCertificate({ kind: 'skip', epoch, view, digest: null });
    assert.equal(codeOf({ ...stamp, certificate: prepares }), 'certificateInvalid');
    assert.equal(codeOf({ ...stamp, certificate: { ...prepares, kind: 'commit' } }), 'certificateInvalid');
    assert.equal(codeOf({ ...stamp, certificate: skips }), 'certificateInvalid');
  });

  it('needs a quorum of the genesis voters', () => {
    const { header } = block;
    assert.equal(codeOf({ ...stamp, certificate: aCommitOf(header, [1, 2, 3]) }), null);
    assert.equal(codeOf({ ...stamp, certificate: aCommitOf(header, [1, 2]) }), 'certificateInvalid');
    const { epoch, view } = header;
    const ballot = { kind: 'commit', epoch, view, digest: stamp.certificate.digest } as const;
    const strangers = aCertificate(ballot, [0, 1, 2], aVoterSet(4));
    assert.equal(codeOf({ ...stamp, certificate: strangers }), 'certificateInvalid');
  });

  it('needs a certificate of this very header, in its view and epoch', () => {
    const other = aChildOf(block.header);
    assert.equal(codeOf({ ...stamp, certificate: aCommitOf(other) }), 'certificateInvalid');
    const ballot = {
      kind: 'commit',
      epoch: 1 as Epoch,
      view: 2 as View,
      digest: stamp.certificate.digest,
    } as const;
    assert.equal(codeOf({ ...stamp, certificate: aCertificate(ballot) }), 'certificateInvalid');
    const nextEpoch = { ...ballot, epoch: 2 as Epoch, view: 1 as View };
    assert.equal(codeOf({ ...stamp, certificate: aCertificate(nextEpoch) }), 'wrongEpoch');
  });

  it('is refused for headers of another epoch or another set of voters', () => {
    const header = { ...block.header, epoch: 2 as Epoch };
    assert.equal(codeOf({ ...stamp, ...finalityOf(header) }), 'wrongEpoch');
    const voters = { ...block.header, voterSetHash: aDigest(9) };
    assert.equal(codeOf({ ...stamp, ...finalityOf(voters) }), 'headerInvalid');
  });

  it('is not the proposer’s to claim: every field of the header is certified', () => {
    const { header } = block;
    const altered = { ...header, proposer: 1 as VoterIndex };
    assert.equal(codeOf({ ...stamp, headers: [altered] }), 'certificateInvalid');
    const members = testGenesis.voters.filter((name) => name !== ('insurer' as MemberName));
    assert.notEqual(codeOf(stamp, aGenesis({ voters: members })), null);
  });
});
