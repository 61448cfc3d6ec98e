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
  '20b11192d768378e68044a179fed19a0f54c390b583e379a6a901f7d0f96d4e0c8686e6f74416674',
  '65721b0000019b8e083060',
].join('');

describe('the protocol, byte for byte', () => {
  it('keeps its chain id, voter set hash and genesis state root', () => {
    assert.deepEqual(
      [testChainId, voterSetHash(testVoters), genesisState(testGenesis).root],
      [
        'b11192d768378e68044a179fed19a0f54c390b583e379a6a901f7d0f96d4e0c8',
        '069ba075499a0001512cc7d46ab2df45cad131964534d1171ee7ec44b287636e',
        '0def41a5a9eb59e633874ef1824f3558bf1351a7ebd3101147d8d6726dcb1e45',
      ],
    );
  });

  it('keeps the payload and the id of a transaction', () => {
    const { payloadBytes, txId } = aTransaction();
    assert.equal(bytesToHex(payloadBytes), payloadHex);
    assert.equal(txId, '4e71a1f5fa340d967d37d260e1ba42b6765b6195fdf546627fea6165afb52a67');
  });

  it('keeps the digest of a header', () => {
    assert.equal(headerDigest(aHeader()), '55522439e7afca1360f725442db2ddbbee6166d03f2de5ca3b6d9b765c566d25');
  });

  it('keeps the root of a list', () => {
    const leaves = [new Uint8Array(0), Uint8Array.of(1), Uint8Array.of(2, 3)];
    assert.equal(merkleRoot(leaves), '7e91ac3e9b49863ed6baa90c6c66cbcdbe5b035cb7f57ed65af6e8123916855a');
  });

  it('keeps the roots of an executed block', () => {
    const { receiptsRoot, stateRoot } = aStampedBlock().execution;
    assert.equal(receiptsRoot, '1f381a320cf1f0648f55e50a95d4cabf4997262c0464c2fff24a54457c1fd6d5');
    assert.equal(stateRoot, '3045c998c01c3a0495aef29b7da002ce4f7c3961205fe3fe19b06a03839d5a5e');
  });

  it('keeps the bytes of a stamp', () => {
    const bytes = encodeStamp(aStamp(aStampedBlock()));
    assert.equal(bytes.length, 1_284);
    assert.equal(sha256Of(bytes), 'a8799e1741bbc17b502d609aef52e0f80dfe4f8b4fc25a7c548ba502eb753246');
  });

  it('keeps the bytes of a state stamp', () => {
    const bytes = encodeStateStamp(aStateStamp(aStampedBlock()));
    assert.equal(bytes.length, 1_000);
    assert.equal(sha256Of(bytes), 'b33cf516f7c9916ae450c240197bd99bd0e91748aa76e3250b85a8ea9672f5c2');
  });
});
