import assert from 'node:assert/strict';
import type * as z from 'zod';
import {
  actionKinds,
  actionToWire,
  bodySchemas,
  parseAction,
  type ActionKind,
} from '../../../protocol/action.ts';
import type { Balance } from '../../../protocol/brand.ts';
import { decodeCbor, encodeCbor, encodeWith, readWith } from '../../../protocol/codec.ts';
import { accepted, refused } from '../../../protocol/result.ts';
import {
  aCancel,
  aClose,
  aConfirm,
  aDecideRenewal,
  aDecideSubstitution,
  aDeliver,
  aDispense,
  aDispute,
  aFail,
  aHold,
  anAccept,
  anAdjudicate,
  anAgree,
  anAskRenewal,
  anAskSubstitution,
  anEstimate,
  aNet,
  anExtend,
  anIssue,
  aNominate,
  aPaid,
  aPay,
  aPropose,
  aReceive,
  aRecoup,
  aRedirect,
  aRelease,
  aReport,
  aReserve,
  aReturn,
  aReverse,
  aReview,
  aScan,
  aShip,
  aStatementDispute,
  aSubmit,
  aTakeBack,
  aTransfer,
  aWithdraw,
} from '../../support/acts.ts';
import { digestOf, hospital, type Act } from '../../support/domain.ts';
import { anEvidence } from '../../support/evidence.ts';
import {
  aJoin,
  aMotion,
  aPolicyMotion,
  aPolicyVoteOf,
  aReady,
  aRotation,
  aVoteOf,
} from '../../support/motions.ts';
import {
  aGrant,
  anAddKey,
  aRegister,
  aReinstate,
  aRevokeGrant,
  aRevokeKey,
  aRotateKey,
  aScope,
  aSuspend,
} from '../../support/people.ts';

const sums = { count: 1, total: 4_900 as Balance, claimsRoot: digestOf('root') };
const acts: { readonly [K in ActionKind]: Act } = {
  'practitioner.register': aRegister(),
  'practitioner.scope': aScope(),
  'practitioner.suspend': aSuspend(),
  'practitioner.reinstate': aReinstate(),
  'key.add': anAddKey(),
  'key.rotate': aRotateKey(),
  'key.revoke': aRevokeKey(),
  'delegation.grant': aGrant(),
  'delegation.revoke': aRevokeGrant(),
  'rx.issue': anIssue(),
  'rx.review': aReview(),
  'rx.cancel': aCancel(),
  'rx.hold': aHold(),
  'rx.release': aRelease(),
  'rx.nominate': aNominate(),
  'rx.redirect': aRedirect(),
  'substitution.request': anAskSubstitution(),
  'substitution.decide': aDecideSubstitution(),
  'renewal.request': anAskRenewal(),
  'renewal.decide': aDecideRenewal(),
  'fill.reserve': aReserve(),
  'fill.extend': anExtend(),
  'fill.return': aReturn(),
  'fill.dispense': aDispense(),
  'fill.close': aClose(),
  'fill.withdraw': aWithdraw(),
  'delivery.ship': aShip(),
  'delivery.scan': aScan(),
  'delivery.deliver': aDeliver(),
  'delivery.fail': aFail(),
  'delivery.return': aTakeBack(),
  'delivery.report': aReport(),
  'delivery.receive': aReceive(),
  'claim.estimate': anEstimate(),
  'claim.adjudicate': anAdjudicate(),
  'claim.pay': aPay(),
  'claim.submit': aSubmit(),
  'claim.dispute': aDispute(),
  'claim.accept': anAccept(),
  'claim.reverse': aReverse(),
  'claim.recoup': aRecoup(),
  'settle.propose': aPropose(sums),
  'settle.dispute': aStatementDispute(),
  'settle.confirm': aConfirm(sums),
  'settle.paid': aPaid(sums.total),
  'settle.net': aNet(),
  'settle.agree': anAgree(-4_900),
  'settle.transfer': aTransfer(),
  'member.join': aJoin(),
  'member.rotate': aRotation(),
  'member.ready': aReady(),
  'member.propose': aMotion(),
  'member.vote': aVoteOf(hospital),
  'policy.propose': aPolicyMotion(),
  'policy.vote': aPolicyVoteOf(hospital),
  'evidence.report': {
    member: hospital,
    keys: [],
    seals: [],
    action: { kind: 'evidence.report', body: { evidence: anEvidence() } },
  },
};

describe('actions', () => {
  for (const kind of actionKinds) {
    it(`carries ${kind} through CBOR and back`, () => {
      const { action } = acts[kind];
      const wire = decodeCbor(encodeCbor(actionToWire(action)), 32_768);
      assert.ok(wire.ok);
      assert.deepEqual(parseAction(kind, wire.value as Record<string, unknown>), accepted(action));
    });

    it(`reads and writes ${kind} in one pass as its schema does, damaged bytes too`, () => {
      const { action } = acts[kind];
      const schema: z.ZodType = bodySchemas[kind];
      const bytes = encodeCbor(actionToWire(action));
      assert.deepEqual(encodeWith(schema, action.body), bytes);
      assert.deepEqual(readWith(schema, bytes), action.body);
      for (let at = 0; at < bytes.length; at += 1) {
        for (const value of [0, 0x17, 0x18, 0x41, 0x60, 0x80, 0xa0, 0xf6, 0xff, (bytes[at] ?? 0) ^ 1]) {
          const damaged = bytes.with(at, value);
          const read = readWith(schema, damaged);
          const wire = decodeCbor(damaged, 32_768);
          const expected = wire.ok ? schema.safeParse(wire.value) : { success: false, data: undefined };
          assert.deepEqual(read, expected.success ? expected.data : null, `byte ${at} as ${value}`);
        }
      }
    });

    it(`refuses ${kind} with a field that it does not have`, () => {
      const wire = { ...actionToWire(acts[kind].action), note: 'free text' };
      assert.deepEqual(parseAction(kind, wire), refused('malformed', ''));
    });
  }

  it('refuses free text where a code word stands (I22)', () => {
    const wire = { ...actionToWire(aCancel().action), reason: 'Mrs Zhang, born 1950' };
    assert.deepEqual(parseAction('rx.cancel', wire), refused('malformed', 'reason'));
  });

  it('refuses more items than a prescription may have', () => {
    const { action } = anIssue();
    assert.equal(action.kind, 'rx.issue');
    const wire = actionToWire(action);
    const [item] = wire['items'] as readonly unknown[];
    const five = parseAction('rx.issue', { ...wire, items: [item, item, item, item, item] });
    assert.equal(five.ok, true);
    assert.deepEqual(
      parseAction('rx.issue', { ...wire, items: [item, item, item, item, item, item] }),
      refused('malformed', 'items'),
    );
  });

  it('refuses an amount one past the bound', () => {
    const wire = { ...actionToWire(aPay().action) };
    assert.equal(parseAction('claim.pay', { ...wire, patientPaid: 1_000_000_000_000 }).ok, true);
    assert.deepEqual(
      parseAction('claim.pay', { ...wire, patientPaid: 1_000_000_000_001 }),
      refused('malformed', 'patientPaid'),
    );
  });
});
