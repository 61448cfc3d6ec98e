import assert from 'node:assert/strict';
import type { ActionBody } from '../../../protocol/action.ts';
import type { Epoch, MemberName, PublicKey, Sequence, Signature, View } from '../../../protocol/brand.ts';
import { batchEvidence, statementEvidence, type Evidence } from '../../../protocol/evidence.ts';
import { readMotion, readMotionList } from '../../../protocol/motion.ts';
import { readStanding } from '../../../protocol/standing.ts';
import {
  after,
  digestOf,
  hospital,
  insurer,
  itRefuses,
  keyOf,
  newWorld,
  pharmacy,
  readerOf,
  refusalOf,
  rival,
  type Act,
} from '../../support/domain.ts';
import { aMotion, aVoteOf, carried, motionId } from '../../support/motions.ts';

const signature = '00'.repeat(64) as Signature;
const rivalKey = keyOf('rival-pharmacy consensus');

/** Two PREPAREs of the rival in this view. The ledger sees it after its signatures were verified. */
function twoPrepares(view = 5, key: PublicKey = rivalKey): Evidence {
  const place = { key, epoch: 1 as Epoch, view: view as View };
  const statement = (text: string) => ({ kind: 'prepare', digest: digestOf(text), signature }) as const;
  return statementEvidence(place, statement('one block'), statement('another block'));
}

function twoBatches(member: MemberName, sequence = 3): Evidence {
  const place = { key: rivalKey, member, sequence: sequence as Sequence };
  const body = (text: string) => ({ bodyHash: digestOf(text), signature });
  return batchEvidence(place, body('one body'), body('another body'));
}

function aReport(evidence: Evidence, by: MemberName = hospital): Act {
  const body: ActionBody<'evidence.report'> = { evidence };
  const keys = [keyOf(`${by} consensus`)];
  return { member: by, keys, seals: [], action: { kind: 'evidence.report', body } };
}

const reported = after(newWorld, aReport(twoPrepares()));

describe('reported evidence', () => {
  it('marks the member, and puts its removal to the vote', () => {
    const state = readerOf(reported);
    assert.deepEqual(readStanding(state, rival).marks, [
      { offence: 'prepare', epoch: 1, view: 5, sequence: null, height: 1, txId: digestOf('transaction') },
    ]);
    const [open] = readMotionList(state).open;
    assert.ok(open !== undefined);
    const motion = readMotion(state, open.motionId);
    assert.deepEqual([motion?.kind, motion?.member, motion?.outcome], ['remove', rival, null]);
  });

  it('is marked once, whoever reports it', () => {
    assert.equal(refusalOf(reported, aReport(twoPrepares(), insurer)), 'evidenceKnown');
    assert.equal(refusalOf(reported, aReport(twoPrepares(6), insurer)), null);
  });

  it('tells of two batches too', () => {
    const state = readerOf(after(newWorld, aReport(twoBatches(rival))));
    const [mark] = readStanding(state, rival).marks;
    assert.deepEqual([mark?.offence, mark?.view, mark?.sequence], ['batch', null, 3]);
  });

  it('is not held back by the motions that the reporter has open', () => {
    const busy = ['a', 'b', 'c', 'd'].reduce(
      (world, text) => after(world, aMotion({ body: { motionId: digestOf(text).slice(0, 32) as never } })),
      newWorld,
    );
    assert.equal(refusalOf(busy, aMotion()), 'tooLarge');
    assert.equal(refusalOf(busy, aReport(twoPrepares())), null);
  });

  it('keeps eight marks of a member', () => {
    const eight = [1, 2, 3, 4, 5, 6, 7, 8].reduce(
      (world, view) => after(world, aReport(twoPrepares(view))),
      newWorld,
    );
    assert.equal(readStanding(readerOf(eight), rival).marks.length, 8);
    assert.equal(refusalOf(eight, aReport(twoPrepares(9))), 'evidenceKnown');
  });

  it('marks one that has left, without another vote', () => {
    const body = { change: 'remove', member: rival, isForced: true } as const;
    const gone = carried(after(newWorld, aMotion({ body })));
    const state = readerOf(after(gone, aReport(twoPrepares())));
    assert.equal(readStanding(state, rival).marks.length, 1);
    assert.deepEqual(readMotionList(state), { open: [], closed: [motionId] });
  });

  it('lets the marked member vote: it is a voter until the others decide', () => {
    const [open] = readMotionList(readerOf(reported)).open;
    assert.ok(open !== undefined);
    assert.equal(refusalOf(reported, aVoteOf(rival, { body: { motionId: open.motionId } })), null);
  });

  itRefuses('another key than the reporter’s consensus key', 'wrongSigners', [
    newWorld,
    { ...aReport(twoPrepares()), keys: [keyOf('hospital admin')] },
  ]);
  itRefuses('the key of nobody', 'evidenceInvalid', [newWorld, aReport(twoPrepares(5, keyOf('nobody')))]);
  itRefuses('batches in the name of another member', 'evidenceInvalid', [
    newWorld,
    aReport(twoBatches(pharmacy)),
  ]);
  itRefuses('statements that do not conflict', 'evidenceInvalid', [
    newWorld,
    aReport(
      statementEvidence(
        { key: rivalKey, epoch: 1 as Epoch, view: 5 as View },
        { kind: 'prepare', digest: digestOf('one block'), signature },
        { kind: 'skip', digest: null, signature },
      ),
    ),
  ]);
});
