/** What does not go as planned: held, moved, substituted, taken back, not delivered, asked for again. */
import type { TransactionResult } from '../../node/rpc/contract.ts';
import type { PatientDocument } from '../documents.ts';
import { act } from './act.ts';
import { receive, ship, signatureOnly } from './delivery.ts';
import {
  dispense,
  inMs,
  issue,
  itemId,
  newId,
  newPackHash,
  reserve,
  secondPharmacy,
  unitsPrescribed,
  type Issued,
} from './prescription.ts';
import type { Stage, WriteOutcome } from './step.ts';

const hourMs = 3_600_000;

/** The doctor has a question; the patient chooses a pharmacy, and then another one. */
export async function tellChoices(stage: Stage, document: PatientDocument): Promise<void> {
  const issued = await issue(stage, document, { class: 'ordinary' });
  const { rxId, token } = issued;
  const stopped = { practitioner: 'dr-zhang', rxId, k: null };
  await act(stage, { title: 'dr-zhang holds it', kind: 'rx.hold', member: 'hospital' }, (client) =>
    client.call('rx_hold', { ...stopped, reason: 'query' }),
  );
  await reserve(stage, issued, {
    title: 'pharmacy: pharmacist-wang tries to reserve it meanwhile',
    expected: 'refused: onHold',
  });
  await act(stage, { title: 'dr-zhang lets it go on', kind: 'rx.release', member: 'hospital' }, (client) =>
    client.call('rx_release', { ...stopped, reason: 'answered' }),
  );
  const title = 'the patient nominates pharmacy-2, through a node that has no part in it';
  await act(stage, { title, kind: 'rx.nominate', member: 'insurer' }, (client) =>
    client.call('rx_nominate', {
      token,
      rxId,
      nomination: { pharmacy: secondPharmacy.member, until: inMs(hourMs) },
    }),
  );
  await reserve(stage, issued, {
    title: "pharmacy: pharmacist-wang scans the patient's code all the same",
    expected: 'refused: nominatedElsewhere',
  });
  await reserveNominated(stage, issued);
  await askAndSubstitute(stage, issued);
  await act(
    stage,
    { title: 'the patient moves the rest to pharmacy', kind: 'rx.redirect', member: 'hospital' },
    (client) =>
      client.call('rx_redirect', {
        token,
        rxId,
        k: 0,
        nomination: { pharmacy: 'pharmacy', until: inMs(hourMs) },
        reason: 'outOfStock',
      }),
  );
  await reserve(stage, issued);
  await dispense(stage, issued, { units: unitsPrescribed - partUnits });
}

const partUnits = 10;

async function reserveNominated(stage: Stage, { rxId }: Issued): Promise<void> {
  const { member, pharmacist } = secondPharmacy;
  const title = `${pharmacist} reserves it without the code`;
  await act(stage, { title, kind: 'fill.reserve', member }, (client) =>
    client.call('fill_reserve', {
      practitioner: pharmacist,
      rxId,
      k: 0,
      until: inMs(hourMs),
      mode: 'counter',
    }),
  );
}

async function askAndSubstitute(stage: Stage, { rxId }: Issued): Promise<void> {
  const { member, pharmacist } = secondPharmacy;
  const substitute = (expected: WriteOutcome, title: string): Promise<TransactionResult> =>
    act(stage, { title, kind: 'fill.dispense', member, expected }, (client) =>
      client.call('fill_dispense', {
        practitioner: pharmacist,
        rxId,
        k: 0,
        eventId: newId(),
        items: [{ itemId, units: partUnits, equivalence: 'equivalent', packHashes: [newPackHash()] }],
        substitution: 'outOfStock',
      }),
    );
  await substitute('refused: substitutionNotAllowed', `${pharmacist} gives something equivalent, unasked`);
  await act(stage, { title: `${pharmacist} asks for it`, kind: 'substitution.request', member }, (client) =>
    client.call('substitution_request', {
      practitioner: pharmacist,
      rxId,
      k: 0,
      itemId,
      reason: 'outOfStock',
    }),
  );
  const title = 'dr-zhang allows it';
  await act(stage, { title, kind: 'substitution.decide', member: 'hospital' }, (client) =>
    client.call('substitution_decide', {
      practitioner: 'dr-zhang',
      rxId,
      itemId,
      isAllowed: true,
      reason: 'sameEffect',
    }),
  );
  await substitute('committed', `${pharmacist} gives ${partUnits} units of something equivalent`);
}

/** A supply that is taken back, and a parcel that comes back sealed. */
export async function tellReturns(stage: Stage, document: PatientDocument): Promise<void> {
  const issued = await issue(stage, document, { class: 'ordinary' });
  const { rxId, token } = issued;
  const packHash = newPackHash();
  await reserve(stage, issued, { mode: 'courier' });
  const eventId = await dispense(stage, issued, { packHash });
  const withdrawn = 'pharmacist-wang takes the supply back; the pack returns to the shelf';
  await act(stage, { title: withdrawn, kind: 'fill.withdraw', member: 'pharmacy' }, (client) =>
    client.call('fill_withdraw', {
      practitioner: 'pharmacist-wang',
      rxId,
      k: 0,
      eventId,
      restockedHashes: [packHash],
      reason: 'wrongPatient',
    }),
  );
  await dispense(stage, issued, {
    packHash,
    title: 'pharmacy: pharmacist-wang dispenses the same pack, to whom it belongs',
  });
  const parcelId = await ship(stage, issued);
  await act(
    stage,
    { title: 'rider-ma finds nobody at home', kind: 'delivery.fail', member: 'courier' },
    (client) => client.call('delivery_fail', { practitioner: 'rider-ma', parcelId, reason: 'nobodyHome' }),
  );
  await takeBack(stage, parcelId);
  await receive(stage, issued, { parcelId: null, confirmation: 'receiptCode' });
  await act(
    stage,
    { title: 'the patient asks for the next prescription', kind: 'renewal.request', member: 'clinic' },
    (client) => client.call('renewal_request', { token, rxId, reason: 'chronic' }),
  );
}

async function takeBack(stage: Stage, parcelId: string): Promise<void> {
  const title = 'pharmacist-wang takes the sealed parcel back from rider-ma';
  await act(stage, { title, kind: 'delivery.return', member: 'pharmacy' }, async (client) => {
    const courier = stage.devnet.client('courier');
    const body = { parcelId, isSealIntact: true };
    const { payload } = await client.call('tx_build', { kind: 'delivery.return', body });
    const signatures = await Promise.all([
      client.call('tx_sign', { practitioner: 'pharmacist-wang', payload }),
      courier.call('tx_sign', { practitioner: 'rider-ma', payload }),
    ]);
    return client.call('tx_submit', { payload, signatures: signatures.map(signatureOnly) });
  });
}
