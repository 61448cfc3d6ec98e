import assert from 'node:assert/strict';
import type { KeyDescription } from '../../../node/keyFile.ts';
import { ownMember } from '../../../node/ownMember.ts';
import type { MemberKeys } from '../../../protocol/member.ts';
import { testGenesis } from '../../support/chain.ts';
import { aSigner } from '../../support/keys.ts';
import { aName } from '../../support/nodeParts.ts';

const [hospital, clinic] = testGenesis.members;
assert.ok(hospital !== undefined && clinic !== undefined);

function keystoreOf(keys: MemberKeys): readonly KeyDescription[] {
  return [
    { name: 'network', purpose: 'network', publicKey: keys.networkKey },
    { name: 'consensus', purpose: 'consensus', publicKey: keys.consensusKey },
    { name: 'sealing', purpose: 'sealing', publicKey: keys.sealingKey },
    { name: 'admin', purpose: 'admin', publicKey: keys.adminKey },
  ];
}

const newKeys: MemberKeys = {
  networkKey: aSigner('newcomer network').publicKey,
  consensusKey: aSigner('newcomer consensus').publicKey,
  sealingKey: aSigner('newcomer sealing').publicKey,
  adminKey: aSigner('newcomer admin').publicKey,
};

describe('the member of a home', () => {
  it('is the one of the genesis that has both its name and its keys', () => {
    assert.equal(ownMember(testGenesis, hospital.name, keystoreOf(hospital)), hospital);
    assert.equal(ownMember(testGenesis, hospital.name, keystoreOf(clinic)), null);
    assert.equal(ownMember(testGenesis, hospital.name, keystoreOf(newKeys)), null);
  });

  it('may have another consensus key by now, or several: the ledger says which is in force', () => {
    const rotated = keystoreOf({ ...hospital, consensusKey: newKeys.consensusKey });
    assert.equal(ownMember(testGenesis, hospital.name, rotated), hospital);
    assert.equal(ownMember(testGenesis, hospital.name, [...keystoreOf(hospital), ...rotated]), hospital);
    const without = keystoreOf(hospital).filter(({ purpose }) => purpose !== 'consensus');
    assert.equal(ownMember(testGenesis, hospital.name, without), null);
  });

  it('is a newcomer if the genesis knows neither', () => {
    const name = aName('newcomer');
    assert.deepEqual(ownMember(testGenesis, name, keystoreOf(newKeys)), {
      name,
      roles: [],
      status: 'proposed',
      ...newKeys,
    });
    const stolen = { ...newKeys, adminKey: hospital.adminKey };
    assert.equal(ownMember(testGenesis, name, keystoreOf(stolen)), null);
    assert.equal(ownMember(testGenesis, name, keystoreOf(newKeys).slice(1)), null);
  });
});
