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
  'a8617601626964500000000000000000000000000000000164626f6479a5646b6579738065726f6c',
  '65738166646f63746f726673636f70657381686f7264696e6172796a76616c6964556e74696c1b00',
  '00019b932da2006e70726163746974696f6e65724964500000000000000000000000000000000164',
  '6b696e647570726163746974696f6e65722e7265676973746572657365616c7380666d656d626572',
  '68686f73706974616c67636861696e49645820054aca8f881c5f8d19b438130a32a171e474577593',
  '4f652420d3e99d167dcdfe686e6f7441667465721b0000019b8e083060',
].join('');

describe('the protocol, byte for byte', () => {
  it('keeps its chain id, voter set hash and genesis state root', () => {
    assert.deepEqual(
      [testChainId, voterSetHash(testVoters), genesisState(testGenesis).root],
      [
        '054aca8f881c5f8d19b438130a32a171e4745775934f652420d3e99d167dcdfe',
        '069ba075499a0001512cc7d46ab2df45cad131964534d1171ee7ec44b287636e',
        '703ac1c400ba24ba9ebf2be8c44dc23a066cd9f756a6f595125ebaae9e55ea98',
      ],
    );
  });

  it('keeps the payload and the id of a transaction', () => {
    const { payloadBytes, txId } = aTransaction();
    assert.equal(bytesToHex(payloadBytes), payloadHex);
    assert.equal(txId, '71b76705b051a086175ac7532fa08e3371a6c56b959e4f3d8b2dc6cd439a9127');
  });

  it('keeps the digest of a header', () => {
    assert.equal(headerDigest(aHeader()), '6c38eb11398cdb2e0887ff59ae88b85758e44f5a2cdf44a3d438c8c9d385a73d');
  });

  it('keeps the root of a list', () => {
    const leaves = [new Uint8Array(0), Uint8Array.of(1), Uint8Array.of(2, 3)];
    assert.equal(merkleRoot(leaves), '7e91ac3e9b49863ed6baa90c6c66cbcdbe5b035cb7f57ed65af6e8123916855a');
  });

  it('keeps the roots of an executed block', () => {
    const { receiptsRoot, stateRoot } = aStampedBlock().execution;
    assert.equal(receiptsRoot, '267de70e12eb12697b158f23f8229e092f5ce1720512fdb7b86ba519e9edc50f');
    assert.equal(stateRoot, '19872657eaa994961c3b76241b81f5b1550456381dc4976a8edf4ba4bb0eef5e');
  });

  it('keeps the bytes of a stamp', () => {
    const bytes = encodeStamp(aStamp(aStampedBlock()));
    assert.equal(bytes.length, 1_287);
    assert.equal(sha256Of(bytes), 'db50af6a8cfff919d289c0809a265492cacaa8eefa472b05199637b43391b2b9');
  });

  it('keeps the bytes of a state stamp', () => {
    const bytes = encodeStateStamp(aStateStamp(aStampedBlock()));
    assert.equal(bytes.length, 919);
    assert.equal(sha256Of(bytes), '9707a03ea4714f4b5dfa80a399b18695e7cfcd562a07753ba0b832b28886b18f');
  });
});
