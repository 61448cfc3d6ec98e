import assert from 'node:assert/strict';
import { defaultPolicy, policyVersion, readPolicy, waitingPolicy } from '../../../protocol/policy.ts';
import { anIssue } from '../../support/acts.ts';
import {
  after,
  at,
  dayMs,
  hospital,
  idOf,
  insurer,
  itRefuses,
  newWorld,
  noon,
  pharmacy,
  readerOf,
  refusalOf,
} from '../../support/domain.ts';
import { aPolicyMotion, aPolicyVoteOf, atHeight, begun, policyCarried } from '../../support/motions.ts';

const long = anIssue({ body: { validUntil: at(noon + 10 * dayMs) } });
const voted = policyCarried(after(newWorld, aPolicyMotion()));

describe('the policy', () => {
  it('is that of the genesis at first, under its number', () => {
    const state = readerOf(newWorld);
    assert.deepEqual(readPolicy(state), defaultPolicy);
    assert.deepEqual(policyVersion(state, 1), { policy: defaultPolicy, effectiveHeight: 0 });
    assert.equal(policyVersion(state, 2), null);
    assert.equal(waitingPolicy(state), null);
  });

  it('waits for its height when it was voted in, and judges from there on', () => {
    assert.equal(waitingPolicy(readerOf(voted))?.effectiveHeight, 10);
    assert.equal(refusalOf(begun(voted, 9), long), 'validityTooLong');
    const inForce = begun(voted, 10);
    assert.equal(refusalOf(inForce, long), null);
    assert.equal(readPolicy(readerOf(inForce)).version, 2);
    assert.equal(waitingPolicy(readerOf(inForce)), null);
    assert.equal(policyVersion(readerOf(inForce), 1)?.policy.version, 1);
    assert.equal(policyVersion(readerOf(inForce), 2)?.effectiveHeight, 10);
  });

  it('takes effect at the height after the vote if its own has passed', () => {
    const late = policyCarried(atHeight(after(newWorld, aPolicyMotion()), 40));
    assert.equal(waitingPolicy(readerOf(late))?.effectiveHeight, 41);
  });

  it('takes effect in a block whose height is beyond its own', () => {
    assert.equal(readPolicy(readerOf(begun(voted, 12))).version, 2);
  });

  it('lengthens what a class allows by a day for each holiday within', () => {
    const holidays = [at(noon - dayMs), at(noon + dayMs), at(noon + 4 * dayMs)];
    const policy = { ...defaultPolicy, version: 2, holidays };
    const world = begun(policyCarried(after(newWorld, aPolicyMotion({ body: { policy } }))), 10);
    const until = (days: number) => anIssue({ body: { validUntil: at(noon + days * dayMs) } });
    assert.equal(refusalOf(world, until(4)), null);
    assert.equal(refusalOf(world, anIssue({ body: { validUntil: at(noon + 4 * dayMs + 1) } })), null);
    assert.equal(refusalOf(world, until(5)), null);
    assert.equal(
      refusalOf(world, anIssue({ body: { validUntil: at(noon + 5 * dayMs + 1) } })),
      'validityTooLong',
    );
  });

  itRefuses('a policy with another number than the next', 'policyVersionWrong', [
    newWorld,
    aPolicyMotion({ body: { policy: { ...defaultPolicy, version: 3 } } }),
  ]);
  itRefuses('a second policy while one waits', 'policyPending', [
    after(
      voted,
      aPolicyMotion({ body: { motionId: idOf('second') } }),
      ...[hospital, pharmacy].map((voter) => aPolicyVoteOf(voter, { body: { motionId: idOf('second') } })),
    ),
    aPolicyVoteOf(insurer, { body: { motionId: idOf('second') } }),
  ]);
  itRefuses('a policy whose number was taken while it was voted on', 'policyVersionWrong', [
    begun(
      after(
        voted,
        aPolicyMotion({ body: { motionId: idOf('second') } }),
        ...[hospital, pharmacy].map((voter) => aPolicyVoteOf(voter, { body: { motionId: idOf('second') } })),
      ),
      10,
    ),
    aPolicyVoteOf(insurer, { body: { motionId: idOf('second') } }),
  ]);
});
