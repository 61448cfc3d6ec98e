/** Frozen bytes: whoever changes one of these changes the protocol, and must say so. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { headerDigest } from '../../protocol/block.ts';
import { bytesToHex } from '../../protocol/bytes.ts';
import { genesisState } from '../../protocol/genesisBlock.ts';
import { voterSetHash } from '../../protocol/member.ts';
import { merkleRoot } from '../../protocol/merkle.ts';
import { encodeStamp } from '../../protocol/stamp.ts';
import { encodeStateStamp } from '../../protocol/stateStamp.ts';
import { aHeader, aTransaction, testChainId, testGenesis, testVoters } from '../support/chain.ts';
import { aStamp, aStampedBlock, aStateStamp } from '../support/stamps.ts';

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const payloadHex = [
  'a8617601626964500000000000000000000000000000000164626f6479a562696450000000000000',
  '00000000000000000001646b65797381582000000000000000000000000000000000000000000000',
  '0000000000000000000265726f6c65738166646f63746f726673636f70657381686f7264696e6172',
  '796a76616c6964556e74696c1b0000019b932da200646b696e647570726163746974696f6e65722e',
  '7265676973746572657365616c7380666d656d62657268686f73706974616c67636861696e496458',
  '204ddb10a623e5ca7b92cebe7ebdd97b2eeafc00fcae66e6f14450e5c2ac27c03d686e6f74416674',
  '65721b0000019b8e083060',
].join('');

describe('the protocol, byte for byte', () => {
  it('keeps its chain id, voter set hash and genesis state root', () => {
    assert.deepEqual(
      [testChainId, voterSetHash(testVoters), genesisState(testGenesis).root],
      [
        '4ddb10a623e5ca7b92cebe7ebdd97b2eeafc00fcae66e6f14450e5c2ac27c03d',
        '069ba075499a0001512cc7d46ab2df45cad131964534d1171ee7ec44b287636e',
        '2c094fa8a6334c23e494a34685e648465413202fa0d972f402bb628acbab1dd7',
      ],
    );
  });

  it('keeps the payload and the id of a transaction', () => {
    const { payloadBytes, txId } = aTransaction();
    assert.equal(bytesToHex(payloadBytes), payloadHex);
    assert.equal(txId, '2e7fbc8b7237c17d22eb06ba180538e9d229c99acadcdee60ad7275ffb1523ae');
  });

  it('keeps the digest of a header', () => {
    assert.equal(headerDigest(aHeader()), '733e155b1aaee80108d4645d1286a00621472604585f59b4d6b2bc46d7fe66c2');
  });

  it('keeps the root of a list', () => {
    const leaves = [new Uint8Array(0), Uint8Array.of(1), Uint8Array.of(2, 3)];
    assert.equal(merkleRoot(leaves), '7e91ac3e9b49863ed6baa90c6c66cbcdbe5b035cb7f57ed65af6e8123916855a');
  });

  it('keeps the roots of an executed block', () => {
    const { receiptsRoot, stateRoot } = aStampedBlock().execution;
    assert.equal(receiptsRoot, '1190fc65e2df5f9832cdde4f5a5dbaa3f03ab7c457944a0cc8a5a221cf76b017');
    assert.equal(stateRoot, '5d4d0c23a40279f5ae34efea7f6de21c26304ed7280938ccf1878e6dacde5c32');
  });

  it('keeps the bytes of a stamp', () => {
    const bytes = encodeStamp(aStamp(aStampedBlock()));
    assert.equal(bytes.length, 1_299);
    assert.equal(sha256Of(bytes), '2689cf99fdcae7954f49b65a4d71a4f3cd0ea440570d4078033c12fd1aabd5ab');
  });

  it('keeps the bytes of a state stamp', () => {
    const bytes = encodeStateStamp(aStateStamp(aStampedBlock()));
    assert.equal(bytes.length, 1_000);
    assert.equal(sha256Of(bytes), 'a5ee211b67a67ad2b3347d973fdb6d2ece4a912fe61227139fea471487fb513f');
  });
});
