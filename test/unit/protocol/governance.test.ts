import assert from 'node:assert/strict';
import type { Height } from '../../../protocol/brand.ts';
import { memberNames, memberNamesRecord, memberOfKey, readMember } from '../../../protocol/membership.ts';
import { readMotion } from '../../../protocol/motion.ts';
import { readStanding } from '../../../protocol/standing.ts';
import {
  after,
  at,
  courier,
  dayMs,
  hospital,
  idOf,
  itRefuses,
  keyOf,
  later,
  name,
  newWorld,
  noon,
  pharmacy,
  readerOf,
  refusalOf,
  type World,
} from '../../support/domain.ts';
import {
  adminKeyOf,
  aJoin,
  aPolicyMotion,
  aReady,
  aRotation,
  aTicket,
  atHeight,
  carried,
  expiresHeight,
  memberKeysOf,
  motionId,
  newcomer,
} from '../../support/motions.ts';

const keys = memberKeysOf(newcomer);

describe('joining', () => {
  const joined = after(newWorld, aJoin());

  it('writes the newcomer down as proposed and puts its admission to the vote', () => {
    const state = readerOf(joined);
    assert.deepEqual(readMember(state, newcomer), {
      name: newcomer,
      roles: ['pharmacy'],
      status: 'proposed',
      ...keys,
    });
    assert.equal(memberNames(state).at(-1), newcomer);
    assert.equal(memberOfKey(state, keys.sealingKey), newcomer);
    const motion = readMotion(state, motionId);
    assert.deepEqual([motion?.kind, motion?.member, motion?.openedBy], ['admit', newcomer, hospital]);
  });

  it('lets a newcomer do nothing before its admission', () => {
    assert.equal(refusalOf(joined, aReady({ member: newcomer })), 'memberNotActive');
  });

  it('takes a ticket until its last moment', () => {
    const last = later(newWorld, 7 * dayMs);
    assert.equal(refusalOf(last, aJoin()), null);
    assert.equal(refusalOf(later(last, 1), aJoin()), 'ticketInvalid');
  });

  for (const missing of ['networkKey', 'consensusKey', 'adminKey'] as const) {
    const signers = [keys.networkKey, keys.consensusKey, keys.adminKey].filter(
      (key) => key !== keys[missing],
    );
    itRefuses(`a newcomer that does not sign with its ${missing}`, 'wrongSigners', [
      newWorld,
      aJoin({ keys: signers }),
    ]);
  }
  itRefuses('a ticket through another member than the inviter', 'notPermitted', [
    newWorld,
    aJoin({ member: pharmacy }),
  ]);
  itRefuses('a ticket under a key that is not the inviter’s', 'ticketInvalid', [
    newWorld,
    aJoin({ body: { ticket: aTicket({ key: adminKeyOf(pharmacy) }) } }),
  ]);
  itRefuses('a ticket for longer than thirty days', 'ticketInvalid', [
    newWorld,
    aJoin({ body: { ticket: aTicket({ until: at(noon + 30 * dayMs + 1) }) } }),
  ]);
  itRefuses('a ticket of a member that is not active', 'memberNotActive', [
    newWorld,
    aJoin({ member: name('suspended-pharmacy') }),
  ]);
  itRefuses('a name that is taken', 'memberExists', [
    newWorld,
    aJoin({ body: { ticket: aTicket({ name: courier }) } }),
  ]);
  itRefuses('a key of another member', 'memberExists', [
    newWorld,
    aJoin({ body: { keys: { ...keys, sealingKey: keyOf('hospital sealing') } } }),
  ]);
  itRefuses('one key for two purposes', 'memberExists', [
    newWorld,
    aJoin({
      keys: [keys.networkKey, keys.consensusKey, keys.adminKey],
      body: { keys: { ...keys, sealingKey: keys.adminKey } },
    }),
  ]);
  itRefuses('a motion id that is taken', 'motionExists', [
    joined,
    aJoin({ body: { ticket: aTicket({ name: name('second') }), keys: memberKeysOf(name('second')) } }),
  ]);
  itRefuses('one member too many', 'tooLarge', [manyMembers(), aJoin()]);
});

/** As many as there may be, as far as the list of names says. */
function manyMembers(): World {
  const names = Array.from({ length: 256 }, (_, index) => name(`member-${index}`));
  const [key, record] = memberNamesRecord(names);
  return { ...newWorld, records: new Map([...newWorld.records, [key, record]]) };
}

describe('asking for new keys', () => {
  const own = memberKeysOf(pharmacy);
  const fresh = memberKeysOf(pharmacy, ' 2');

  it('needs the admin key and every new key that can sign', () => {
    const all = [adminKeyOf(pharmacy), fresh.networkKey, fresh.consensusKey, fresh.adminKey];
    assert.equal(refusalOf(newWorld, aRotation()), null);
    for (const missing of all) {
      const signers = all.filter((key) => key !== missing);
      assert.equal(refusalOf(newWorld, aRotation({ keys: signers })), 'wrongSigners');
    }
  });

  it('asks for no proof of a sealing key, which cannot sign', () => {
    const body = { keys: { ...own, sealingKey: fresh.sealingKey } };
    assert.equal(refusalOf(newWorld, aRotation({ keys: [adminKeyOf(pharmacy)], body })), null);
  });

  it('is open to another member, for one that lost its admin key', () => {
    const signers = [adminKeyOf(hospital), fresh.networkKey, fresh.consensusKey, fresh.adminKey];
    assert.equal(refusalOf(newWorld, aRotation({ member: hospital, keys: signers })), null);
  });

  itRefuses('to rotate the keys of nobody', 'memberUnknown', [
    newWorld,
    aRotation({ body: { member: name('nobody') } }),
  ]);
  itRefuses('to rotate to the same keys', 'changeNotApplicable', [
    newWorld,
    aRotation({ keys: [adminKeyOf(pharmacy)], body: { keys: own } }),
  ]);
  itRefuses('to rotate to a key of another member', 'memberExists', [
    newWorld,
    aRotation({
      keys: [adminKeyOf(pharmacy)],
      body: { keys: { ...own, sealingKey: keyOf('hospital sealing') } },
    }),
  ]);
  itRefuses('to rotate to a key that it retired', 'memberExists', [
    carried(after(newWorld, aRotation())),
    aRotation({
      keys: [fresh.adminKey, own.consensusKey],
      body: { motionId: idOf('second'), keys: { ...fresh, consensusKey: own.consensusKey } },
    }),
  ]);
  itRefuses('to rotate the keys of who is suspended', 'memberNotActive', [
    newWorld,
    aRotation({
      keys: [adminKeyOf(pharmacy)],
      body: {
        member: name('suspended-pharmacy'),
        keys: { ...memberKeysOf(name('suspended-pharmacy')), sealingKey: keyOf('another') },
      },
    }),
  ]);
});

describe('READY', () => {
  it('is remembered with its height and time', () => {
    const world = after(atHeight(newWorld, 50), aReady({ body: { height: 49 as Height } }));
    assert.deepEqual(readStanding(readerOf(world), courier), {
      readyMs: noon,
      readyHeight: 49,
      heardMs: noon,
      previousConsensusKey: null,
      marks: [],
    });
  });

  it('is taken from a thousand heights below the block', () => {
    const world = atHeight(newWorld, 2_000);
    assert.equal(refusalOf(world, aReady({ body: { height: 1_000 as Height } })), null);
    assert.equal(refusalOf(world, aReady({ body: { height: 999 as Height } })), 'notReady');
  });

  itRefuses('a height that is still to come', 'notReady', [
    atHeight(newWorld, 50),
    aReady({ body: { height: 50 as Height } }),
  ]);
  itRefuses('another key than the admin key', 'wrongSigners', [
    newWorld,
    aReady({ keys: [keyOf('courier consensus')] }),
  ]);
});

describe('a motion about the policy', () => {
  itRefuses('another key than the admin key', 'wrongSigners', [
    newWorld,
    aPolicyMotion({ keys: [keyOf('doctor')] }),
  ]);
  itRefuses('an end in the past', 'expiryInvalid', [atHeight(newWorld, expiresHeight), aPolicyMotion()]);
});
