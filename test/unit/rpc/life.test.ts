/** The life of a prescription through the methods, on the real ledger. */
import assert from 'node:assert/strict';
import type { IssueParams, IssueResult } from '../../../node/rpc/contract.ts';
import { hexOf } from '../../../node/rpc/json.ts';
import { aSigner } from '../../support/keys.ts';
import { memberOn, type Caller } from './caller.ts';
import { digestOf, idOf, memoryChain } from './memoryNode.ts';
import { cast, hour, time, write } from './recordCast.ts';

const document = { resourceType: 'MedicationRequest', status: 'active', intent: 'order' };

const prescription: IssueParams = {
  practitioner: 'dr-zhang',
  class: 'ordinary',
  validUntil: time(48 * hour),
  items: [{ itemId: 1, units: 30, repeats: 0, intervalDays: 0, substitutionAllowed: false }],
  documents: [document],
};

const eventId = hexOf(idOf('event'));
const claimId = hexOf(idOf('claim'));
const parcelId = hexOf(idOf('parcel'));

async function reserve(caller: Caller, issued: IssueResult, practitioner = 'ph-wang'): Promise<unknown> {
  const fillSecret = issued.fillSecrets[0] ?? '';
  return caller.call('fill_reserve', { practitioner, fillSecret, until: time(12 * hour), mode: 'counter' });
}

const dispensed = {
  practitioner: 'ph-wang',
  k: 0,
  eventId,
  items: [{ itemId: 1, units: 30, equivalence: 'same', packHashes: [] }],
  substitution: null,
} as const;

describe('the methods of a life', () => {
  it('carry a prescription from the issue to the paid statement', async () => {
    const { hospital, pharmacy, insurer, courier } = cast();
    const issued = await hospital.call('rx_issue', prescription);
    const { rxId } = issued;
    assert.equal(issued.status, 'committed');
    await reserve(pharmacy, issued);
    const opened = await pharmacy.call('rx_open', { rxId });
    assert.deepEqual(opened, { documents: [{ docType: 'MedicationRequest', resource: document }] });
    await write(pharmacy, 'claim_estimate', {
      practitioner: 'ph-wang',
      claimId,
      rxId,
      k: 0,
      insurer: 'insurer',
      lines: [{ itemId: 1, units: 30, price: 1_000 }],
      total: 1_000,
    });
    await write(insurer, 'claim_adjudicate', {
      practitioner: 'adj-wu',
      claimId,
      outcome: 'approve',
      lines: [{ itemId: 1, covered: 800, patientPays: 200, code: 'tariff' }],
    });
    await write(pharmacy, 'claim_pay', {
      practitioner: 'ph-wang',
      claimId,
      patientPaid: 200,
      payments: [{ method: 'cash', amount: 200 }],
    });
    await write(pharmacy, 'fill_dispense', { ...dispensed, rxId });
    const built = await pharmacy.call('tx_build', {
      kind: 'delivery.ship',
      body: {
        parcelId,
        rxId,
        k: 0,
        courier: 'courier',
        sealHash: hexOf(digestOf('seal')),
        deliverBy: time(24 * hour),
      },
    });
    const { payload } = built;
    const handOver = await pharmacy.call('tx_sign', { practitioner: 'ph-wang', payload });
    const takeOver = await courier.call('tx_sign', { practitioner: 'rider-ma', payload });
    const signatures = [handOver, takeOver].map(({ key, sig }) => ({ key, sig }));
    await write(pharmacy, 'tx_submit', { payload, signatures });
    await write(courier, 'delivery_deliver', { practitioner: 'rider-ma', parcelId });
    await write(hospital, 'delivery_receive', { token: issued.token ?? '', k: 0, parcelId });
    const lines = [{ itemId: 1, units: 30, price: 1_000 }];
    await write(pharmacy, 'claim_submit', {
      practitioner: 'ph-wang',
      claimId,
      eventIds: [eventId],
      lines,
      total: 1_000,
    });
    await write(insurer, 'claim_accept', { practitioner: 'adj-wu', claimId, covered: 800 });
    const pair = { insurer: 'insurer', pharmacy: 'pharmacy' };
    const { position } = await insurer.call('settle_position', pair);
    assert.deepEqual([position.count, position.total], [1, 800]);
    const { count, total, claimsRoot } = position;
    const statement = { ...pair, period: '2026-01', sums: { count, total, claimsRoot } };
    await write(insurer, 'settle_propose', { practitioner: 'acc-sun', ...statement });
    await write(pharmacy, 'settle_confirm', { practitioner: 'acc-zhou', ...statement });
    const paid = { ...pair, period: '2026-01', total, paymentRef: 'transfer-1' };
    await write(insurer, 'settle_paid', { practitioner: 'acc-sun', ...paid });
    const { claim } = await pharmacy.call('claim_get', { claimId });
    assert.equal(claim.status, 'paid');
    const { parcel } = await courier.call('delivery_get', { parcelId });
    assert.equal(parcel.status, 'received');
    const settled = await pharmacy.call('settle_statement', { ...pair, period: '2026-01' });
    assert.equal(settled.statement.status, 'paid');
    const history = await hospital.call('rx_history', { rxId });
    assert.deepEqual(
      history.items.slice(0, 2).map(({ kind }) => kind),
      ['rx.issue', 'fill.reserve'],
    );
  });

  it('answer a second reservation with a refusal that has a receipt, and keep the documents closed', async () => {
    const { hospital, pharmacy, rival } = cast();
    const issued = await hospital.call('rx_issue', prescription);
    await reserve(pharmacy, issued);
    const result = (await reserve(rival, issued, 'ph-chen')) as IssueResult;
    assert.deepEqual([result.status, result.code, result.height], ['refused', 'fillReserved', 3]);
    const stamp = await rival.call('tx_stamp', { txId: result.txId });
    assert.equal(stamp.txId, result.txId);
    const closed = await rival.refusal('rx_open', { rxId: issued.rxId });
    assert.deepEqual([closed.code, closed.data.name], [1020, 'notPermitted']);
  });

  it('show the status of a fill at the time of the latest block', async () => {
    const { hospital, pharmacy } = cast();
    const issued = await hospital.call('rx_issue', prescription);
    await reserve(pharmacy, issued);
    const { prescription: seen, asOfHeight } = await hospital.call('rx_get', { rxId: issued.rxId });
    const [fill] = seen.fills;
    assert.deepEqual(
      {
        asOfHeight,
        hospital: seen.hospital,
        issuedAt: seen.issuedAt,
        status: fill?.status,
        holder: fill?.holder,
      },
      { asOfHeight: 2, hospital: 'hospital', issuedAt: time(1_000), status: 'reserved', holder: 'pharmacy' },
    );
    assert.deepEqual(fill?.remaining, [{ itemId: 1, units: 30 }]);
  });

  it('let the patient cancel with the token alone', async () => {
    const { hospital, insurer } = cast();
    const issued = await hospital.call('rx_issue', prescription);
    const params = { rxId: issued.rxId, k: null, reason: 'patient-wish', token: issued.token ?? '' };
    await write(insurer, 'rx_cancel', params);
    const { prescription: seen } = await hospital.call('rx_get', { rxId: issued.rxId });
    assert.equal(seen.fills[0]?.status, 'cancelled');
  });

  it('issue a controlled prescription with the second signature that it needs', async () => {
    const { hospital } = cast();
    const controlled = { ...prescription, class: 'controlled', validUntil: time(12 * hour) } as const;
    const alone = await hospital.call('rx_issue', controlled);
    assert.equal(alone.code, 'wrongSigners');
    const both = await hospital.call('rx_issue', { ...controlled, coSigners: ['dr-li'] });
    assert.equal(both.status, 'committed');
  });

  it('register a practitioner, whose key signs beside the admin key', async () => {
    const { hospital } = cast();
    const practitionerId = hexOf(idOf('dr-new'));
    const key = hexOf(aSigner('hospital card').publicKey);
    await write(hospital, 'practitioner_register', {
      coSigners: ['card'],
      practitionerId,
      roles: ['doctor'],
      scopes: ['ordinary'],
      validUntil: time(1_000 * hour),
      keys: [key],
    });
    const { practitioner } = await hospital.call('practitioner_get', { key });
    assert.deepEqual(
      [practitioner.id, practitioner.member, practitioner.suspensions],
      [practitionerId, 'hospital', []],
    );
  });
});

describe('a write', () => {
  const id = `0x${'0198'.padEnd(12, '0')}7abc8def0123456789ab`;

  it('that is repeated under its id gives the first outcome, with its secrets', async () => {
    const { hospital } = cast();
    const first = await hospital.call('rx_issue', { ...prescription, id });
    const second = await hospital.call('rx_issue', { ...prescription, id, timeoutMs: 5 });
    assert.deepEqual(second, first);
    assert.equal((await hospital.call('ledger_head', {})).height, 1);
  });

  it('with other parameters under a used id is refused', async () => {
    const { hospital } = cast();
    await hospital.call('rx_issue', { ...prescription, id });
    const error = await hospital.refusal('rx_issue', { ...prescription, id, class: 'chronic' });
    assert.deepEqual([error.data.name, error.data.path], ['idReused', 'id']);
  });

  it('under an id that another member used is an act of its own', async () => {
    const { hospital, pharmacy } = cast();
    const issued = await hospital.call('rx_issue', { ...prescription, id });
    const fillSecret = issued.fillSecrets[0] ?? '';
    const until = time(12 * hour);
    const params = { id, practitioner: 'ph-wang', fillSecret, until, mode: 'counter' } as const;
    await write(pharmacy, 'fill_reserve', params);
    const { prescription: shown } = await hospital.call('rx_get', { rxId: issued.rxId });
    assert.equal(shown.fills[0]?.status, 'reserved');
  });

  it('that a restarted node no longer remembers is told from the ledger, without its secrets', async () => {
    const chain = memoryChain();
    const first = await memberOn(chain, 'hospital').call('rx_issue', { ...prescription, id });
    const again = await memberOn(chain, 'hospital').call('rx_issue', { ...prescription, id });
    assert.deepEqual(again, { ...first, token: null, fillSecrets: [], receiptCodes: [] });
  });

  it('that is sent again after its time is over is told what became of it', async () => {
    const chain = memoryChain();
    const hospital = memberOn(chain, 'hospital');
    const first = await hospital.call('rx_issue', prescription);
    const { transaction } = await hospital.call('tx_get', { txId: first.txId });
    chain.timeMs = (chain.timeMs + 2 * hour) as typeof chain.timeMs;
    const again = await hospital.call('tx_submit', { transaction });
    assert.deepEqual([again.status, again.height], ['committed', first.height]);
  });

  it('that finds too few voters is pending, which is a result', async () => {
    const chain = memoryChain();
    chain.isStalled = true;
    const result = await memberOn(chain, 'hospital').call('rx_issue', { ...prescription, id });
    assert.deepEqual(
      [result.status, result.height, result.notAfter, result.id],
      ['pending', null, time(hour), id],
    );
  });

  it('by a key that the keystore does not hold is refused', async () => {
    const { hospital } = cast();
    const body = { rxId: hexOf(idOf('rx')), k: null, reason: 'error' };
    const error = await hospital.refusal('rx_cancel', { ...body, practitioner: 'ph-wang' });
    assert.deepEqual([error.data.name, error.data.path], ['keyUnknown', 'practitioner']);
  });

  it('by nobody is refused', async () => {
    const { hospital } = cast();
    const error = await hospital.refusal('rx_cancel', { rxId: hexOf(idOf('rx')), k: null, reason: 'error' });
    assert.deepEqual([error.data.name, error.data.path], ['invalidParams', 'practitioner']);
  });

  it('with a token of another prescription is refused', async () => {
    const { hospital } = cast();
    const { token } = await hospital.call('rx_issue', prescription);
    const error = await hospital.refusal('rx_cancel', {
      rxId: hexOf(idOf('rx')),
      k: null,
      reason: 'error',
      token,
    });
    assert.deepEqual([error.data.name, error.data.path], ['invalidParams', 'token']);
  });
});
