import assert from 'node:assert/strict';
import type { Height } from '../../../protocol/brand.ts';
import { keysOf, readMember } from '../../../protocol/membership.ts';
import {
  motionStatus,
  outcomeOf,
  readMotion,
  readMotionList,
  type Motion,
} from '../../../protocol/motion.ts';
import { batchKeysOf, readStanding } from '../../../protocol/standing.ts';
import { pendingVoterSet, pendingVoterSetKey, voterSetCodec } from '../../../protocol/voterSet.ts';
import { aVoterSet } from '../../support/chain.ts';
import {
  after,
  courier,
  dayMs,
  hospital,
  idOf,
  insurer,
  itRefuses,
  later,
  name,
  newWorld,
  noon,
  pharmacy,
  readerOf,
  refusalOf,
  rival,
  secondCourier,
  type World,
} from '../../support/domain.ts';
import {
  adminKeyOf,
  aJoin,
  aMotion,
  aPolicyMotion,
  aPolicyVoteOf,
  aReady,
  aRotation,
  aTicket,
  atHeight,
  aVoteOf,
  carried,
  expiresHeight,
  memberKeysOf,
  motionId,
  newcomer,
} from '../../support/motions.ts';

function motionIn(world: World): Motion {
  const motion = readMotion(readerOf(world), motionId);
  assert.ok(motion !== null);
  return motion;
}

function votersNext(world: World): readonly string[] | null {
  return pendingVoterSet(readerOf(world))?.voters.map((voter) => voter.name) ?? null;
}

function statusOf(world: World, member: string): string | null {
  return readMember(readerOf(world), name(member))?.status ?? null;
}

/** A world whose set of voters waits for its closing block no more. */
function inForce(world: World): World {
  const set = pendingVoterSet(readerOf(world));
  assert.ok(set !== null);
  const records = new Map(world.records);
  records.set('voters', voterSetCodec.encode(set));
  records.delete(pendingVoterSetKey);
  return { ...world, records };
}

const opened = after(newWorld, aReady(), aMotion());

describe('a motion', () => {
  it('is open and without votes at first', () => {
    assert.deepEqual(motionIn(opened), {
      motionId,
      kind: 'promote',
      openedBy: hospital,
      openedHeight: 1,
      expiresHeight,
      member: courier,
      keys: null,
      policy: null,
      effectiveHeight: null,
      isForced: false,
      approvals: [],
      rejections: [],
      outcome: null,
      decidedHeight: null,
    });
    assert.deepEqual(readMotionList(readerOf(opened)).open, [
      { motionId, openedBy: hospital, expiresHeight },
    ]);
  });

  it('is carried by the vote that makes a quorum, and not one before', () => {
    const two = after(opened, aVoteOf(hospital), aVoteOf(pharmacy));
    assert.equal(motionStatus(motionIn(two), 1 as Height), 'open');
    assert.equal(votersNext(two), null);
    const three = after(two, aVoteOf(insurer));
    assert.equal(motionStatus(motionIn(three), 1 as Height), 'carried');
    assert.deepEqual(votersNext(three), [hospital, pharmacy, rival, insurer, courier]);
    assert.deepEqual(readMotionList(readerOf(three)), { open: [], closed: [motionId] });
  });

  it('is rejected by the vote after which no quorum can carry it', () => {
    const no = { body: { approve: false } };
    const one = after(opened, aVoteOf(hospital, no));
    assert.equal(motionStatus(motionIn(one), 1 as Height), 'open');
    const two = after(one, aVoteOf(pharmacy, no));
    assert.equal(motionStatus(motionIn(two), 1 as Height), 'rejected');
    assert.equal(refusalOf(two, aVoteOf(insurer)), 'motionClosed');
  });

  it('counts a vote at its last height, and none after it', () => {
    const late = after(atHeight(opened, expiresHeight), aVoteOf(hospital));
    assert.deepEqual(motionIn(late).approvals, [hospital]);
    const tooLate = atHeight(opened, expiresHeight + 1);
    assert.equal(refusalOf(tooLate, aVoteOf(hospital)), 'motionClosed');
    assert.equal(motionStatus(motionIn(tooLate), (expiresHeight + 1) as Height), 'expired');
  });

  it('counts the votes of those only who are voters at the time', () => {
    const voters = aVoterSet(4);
    const [a, b, c] = voters.voters.map((voter) => voter.name);
    assert.ok(a !== undefined && b !== undefined && c !== undefined);
    assert.equal(outcomeOf({ approvals: [a, b, name('gone')], rejections: [] }, voters), null);
    assert.equal(outcomeOf({ approvals: [a, b, c], rejections: [] }, voters), 'carried');
    assert.equal(outcomeOf({ approvals: [a], rejections: [b, name('gone')] }, voters), null);
    assert.equal(outcomeOf({ approvals: [a], rejections: [b, c] }, voters), 'rejected');
  });

  it('makes a vote a sign of life', () => {
    const voted = after(opened, aVoteOf(hospital));
    assert.equal(readStanding(readerOf(voted), hospital).heardMs, noon);
  });

  it('leaves the list when it has expired, at the next opening', () => {
    const next = atHeight(opened, expiresHeight + 1);
    const second = { motionId: idOf('second'), expiresHeight: 5_000 as Height };
    const list = readMotionList(readerOf(after(next, aMotion({ body: second }))));
    assert.deepEqual(list.open, [{ ...second, openedBy: hospital }]);
    assert.deepEqual(list.closed, [motionId]);
  });

  const four = [1, 2, 3, 4].reduce(
    (world, number) => after(world, aMotion({ body: { motionId: idOf(`motion ${number}`) } })),
    newWorld,
  );
  const one = { body: { motionId: idOf('one more'), expiresHeight: 9_000 as Height } };
  itRefuses('a fifth of one member while four are open', 'tooLarge', [four, aMotion(one)]);
  it('takes one more when those have expired, and one of another member at any time', () => {
    assert.equal(refusalOf(atHeight(four, expiresHeight + 1), aMotion(one)), null);
    assert.equal(refusalOf(four, aMotion({ ...one, member: pharmacy })), null);
  });

  itRefuses('another key than the admin key', 'wrongSigners', [
    newWorld,
    aMotion({ keys: [adminKeyOf(insurer)] }),
  ]);
  itRefuses('an id twice', 'motionExists', [opened, aMotion()]);
  itRefuses('an end that is not in the future', 'expiryInvalid', [
    atHeight(newWorld, 7),
    aMotion({ body: { expiresHeight: 7 as Height } }),
  ]);
  itRefuses('an end that is too far', 'expiryInvalid', [
    atHeight(newWorld, 7),
    aMotion({ body: { expiresHeight: 1_000_008 as Height } }),
  ]);
  it('takes an end that is just not too far', () => {
    const body = { expiresHeight: 1_000_007 as Height };
    assert.equal(refusalOf(atHeight(newWorld, 7), aMotion({ body })), null);
  });
});

describe('a vote', () => {
  const voted = after(opened, aVoteOf(hospital));
  itRefuses('a motion that nobody opened', 'motionUnknown', [newWorld, aVoteOf(hospital)]);
  itRefuses('a motion about members as one about the policy', 'motionUnknown', [
    opened,
    aPolicyVoteOf(hospital),
  ]);
  itRefuses('a motion about the policy as one about members', 'motionUnknown', [
    after(newWorld, aPolicyMotion()),
    aVoteOf(hospital),
  ]);
  itRefuses('another key than the admin key', 'wrongSigners', [
    opened,
    aVoteOf(hospital, { keys: [adminKeyOf(pharmacy)] }),
  ]);
  itRefuses('an observer', 'notAVoter', [opened, aVoteOf(courier)]);
  itRefuses('a second vote, also the other way', 'alreadyVoted', [
    voted,
    aVoteOf(hospital, { body: { approve: false } }),
  ]);
  itRefuses('a vote after the decision', 'motionClosed', [carried(opened), aVoteOf(rival)]);
});

describe('a change of the voters', () => {
  const demotion = aMotion({ body: { change: 'demote', member: rival } });
  const forced = aMotion({ body: { change: 'demote', member: rival, isForced: true } });

  it('takes a voter out, and puts another in, one set at a time', () => {
    const five = inForce(carried(opened));
    const demoted = carried(
      after(five, aMotion({ body: { change: 'demote', member: rival, motionId: idOf('second') } })),
      idOf('second'),
    );
    assert.equal(votersNext(demoted), null);
    const four = after(demoted, aVoteOf(courier, { body: { motionId: idOf('second') } }));
    assert.deepEqual(votersNext(four), [hospital, pharmacy, insurer, courier]);
    assert.equal(pendingVoterSet(readerOf(four))?.epoch, 3);
    assert.equal(statusOf(four, rival), 'active');
  });

  it('goes below four voters only if the motion says so', () => {
    const two = [aVoteOf(hospital), aVoteOf(pharmacy)];
    assert.equal(refusalOf(after(newWorld, demotion, ...two), aVoteOf(insurer)), 'votersTooFew');
    const world = carried(after(newWorld, forced));
    assert.deepEqual(votersNext(world), [hospital, pharmacy, insurer]);
  });

  it('does not lose the votes before when the last one is refused', () => {
    const waiting = after(newWorld, aMotion(), aVoteOf(hospital), aVoteOf(pharmacy));
    assert.equal(refusalOf(waiting, aVoteOf(insurer)), 'notReady');
    const ready = after(waiting, aReady());
    assert.deepEqual(votersNext(after(ready, aVoteOf(insurer))), [
      hospital,
      pharmacy,
      rival,
      insurer,
      courier,
    ]);
  });

  it('takes a READY for a day of block time', () => {
    const two = after(opened, aVoteOf(hospital), aVoteOf(pharmacy));
    assert.equal(refusalOf(later(two, dayMs), aVoteOf(insurer)), null);
    assert.equal(refusalOf(later(two, dayMs + 1), aVoteOf(insurer)), 'notReady');
  });

  it('waits for voters that were heard within a day, as many as the new set needs', () => {
    const two = later(after(newWorld, forced, aVoteOf(hospital), aVoteOf(pharmacy)), dayMs + 1);
    // The set of three needs two: the vote that carries it is one.
    assert.equal(refusalOf(two, aVoteOf(insurer)), 'votersSilent');
    const alive = after(two, aReady({ member: pharmacy, body: { height: 0 as Height } }));
    assert.equal(refusalOf(alive, aVoteOf(insurer)), null);
  });

  itRefuses('a second set while one waits', 'voterSetPending', [
    after(
      carried(opened),
      aReady({ member: secondCourier }),
      aMotion({ body: { motionId: idOf('second'), member: secondCourier } }),
      ...[hospital, pharmacy].map((voter) => aVoteOf(voter, { body: { motionId: idOf('second') } })),
    ),
    aVoteOf(insurer, { body: { motionId: idOf('second') } }),
  ]);
  itRefuses('a promotion of a voter', 'changeNotApplicable', [
    newWorld,
    aMotion({ body: { member: insurer } }),
  ]);
  itRefuses('a demotion of an observer', 'changeNotApplicable', [
    newWorld,
    aMotion({ body: { change: 'demote' } }),
  ]);
  itRefuses('a promotion of who is suspended', 'memberNotActive', [
    newWorld,
    aMotion({ body: { member: name('suspended-pharmacy') } }),
  ]);
  itRefuses('a promotion of nobody', 'memberUnknown', [
    newWorld,
    aMotion({ body: { member: name('nobody') } }),
  ]);
});

describe('suspending, reinstating and removing', () => {
  const suspension = aMotion({ body: { change: 'suspend' } });
  const suspended = carried(after(newWorld, suspension));

  it('stops a member and lets it act again', () => {
    assert.equal(statusOf(suspended, courier), 'suspended');
    assert.equal(refusalOf(suspended, aReady()), 'memberNotActive');
    const second = { motionId: idOf('second'), change: 'reinstate' } as const;
    const again = carried(after(suspended, aMotion({ body: second })), second.motionId);
    assert.equal(statusOf(again, courier), 'active');
  });

  it('removes a member for good', () => {
    const removed = carried(after(newWorld, aMotion({ body: { change: 'remove' } })));
    assert.equal(statusOf(removed, courier), 'left');
    const second = aMotion({ body: { motionId: idOf('second'), change: 'reinstate' } });
    assert.equal(refusalOf(removed, second), 'changeNotApplicable');
  });

  it('takes a voter out of the voters too', () => {
    const body = { change: 'remove', member: rival, isForced: true } as const;
    const removed = carried(after(newWorld, aMotion({ body })));
    assert.equal(statusOf(removed, rival), 'left');
    assert.deepEqual(votersNext(removed), [hospital, pharmacy, insurer]);
  });

  itRefuses('to suspend twice', 'changeNotApplicable', [
    suspended,
    aMotion({ body: { motionId: idOf('second'), change: 'suspend' } }),
  ]);
  itRefuses('to remove who has left', 'changeNotApplicable', [
    carried(after(newWorld, aMotion({ body: { change: 'remove' } }))),
    aMotion({ body: { motionId: idOf('second'), change: 'remove' } }),
  ]);
  itRefuses('to remove a voter if too few would stay', 'votersTooFew', [
    after(
      newWorld,
      aMotion({ body: { change: 'remove', member: rival } }),
      aVoteOf(hospital),
      aVoteOf(pharmacy),
    ),
    aVoteOf(insurer),
  ]);
  itRefuses('what no longer applies when it is carried', 'changeNotApplicable', [
    after(
      newWorld,
      suspension,
      aMotion({ body: { motionId: idOf('second'), change: 'suspend' } }),
      ...[hospital, pharmacy, insurer].map((voter) => aVoteOf(voter)),
      ...[hospital, pharmacy].map((voter) => aVoteOf(voter, { body: { motionId: idOf('second') } })),
    ),
    aVoteOf(insurer, { body: { motionId: idOf('second') } }),
  ]);
});

describe('admitting', () => {
  it('makes the newcomer an observer', () => {
    const world = carried(after(newWorld, aJoin()));
    assert.equal(statusOf(world, newcomer), 'active');
    assert.equal(votersNext(world), null);
    assert.equal(refusalOf(world, aReady({ member: newcomer })), null);
  });

  it('forgets who was rejected: name and keys are free', () => {
    const no = { body: { approve: false } };
    const world = after(newWorld, aJoin(), aVoteOf(hospital, no), aVoteOf(insurer, no));
    assert.equal(statusOf(world, newcomer), null);
    assert.equal(refusalOf(world, aJoin({ body: { ticket: aTicket({ motionId: idOf('second') }) } })), null);
  });

  it('forgets who was not admitted in time', () => {
    const world = atHeight(after(newWorld, aJoin()), expiresHeight + 1);
    const again = { motionId: idOf('second'), expiresHeight: 3_000 as Height };
    const joined = after(world, aJoin({ body: { ticket: aTicket(again) } }));
    assert.equal(statusOf(joined, newcomer), 'proposed');
    assert.equal(statusOf(carried(joined, again.motionId), newcomer), 'active');
  });
});

describe('rotating keys', () => {
  const fresh = memberKeysOf(pharmacy, ' 2');

  it('gives a voter its new keys, in the next epoch, and remembers the consensus key before', () => {
    const world = carried(after(newWorld, aRotation()));
    const member = readMember(readerOf(world), pharmacy);
    assert.ok(member !== null);
    assert.deepEqual(keysOf(member), keysOf(fresh));
    assert.deepEqual(pendingVoterSet(readerOf(world))?.voters[1], {
      name: pharmacy,
      consensusKey: fresh.consensusKey,
    });
    const { previousConsensusKey } = readStanding(readerOf(world), pharmacy);
    assert.equal(previousConsensusKey, memberKeysOf(pharmacy).consensusKey);
    assert.deepEqual(batchKeysOf(readerOf(world), pharmacy), [fresh.consensusKey, previousConsensusKey]);
    assert.deepEqual(batchKeysOf(readerOf(newWorld), pharmacy), [previousConsensusKey]);
    assert.deepEqual(batchKeysOf(readerOf(newWorld), name('suspended-pharmacy')), []);
    assert.equal(refusalOf(world, aReady({ member: pharmacy })), 'wrongSigners');
  });

  it('leaves the voters alone if the consensus key stays', () => {
    const keys = { ...memberKeysOf(pharmacy), adminKey: fresh.adminKey };
    const signers = [adminKeyOf(pharmacy), fresh.adminKey];
    const world = carried(after(newWorld, aRotation({ keys: signers, body: { keys } })));
    assert.equal(votersNext(world), null);
    assert.equal(readMember(readerOf(world), pharmacy)?.adminKey, fresh.adminKey);
    assert.equal(readStanding(readerOf(world), pharmacy).previousConsensusKey, null);
  });

  it('is refused at the last vote if somebody else took a key meanwhile', () => {
    const world = after(newWorld, aRotation(), aVoteOf(hospital), aVoteOf(pharmacy));
    const keys = { ...memberKeysOf(newcomer), networkKey: fresh.networkKey };
    const taken = after(world, aJoin({ body: { ticket: aTicket({ motionId: idOf('second') }), keys } }));
    assert.equal(refusalOf(taken, aVoteOf(insurer)), 'memberExists');
  });
});
