/** How the medicine gets to the patient: by courier or at the counter, confirmed with the receipt code or the patient's token. */
import type { SignatureJson } from '../../node/rpc/contract.ts';
import { inMs, newId, newPackHash, type Issued } from './prescription.ts';
import { tellWrite, type Stage, type WriteOutcome } from './step.ts';

const deliverWithinMs = 48 * 3_600_000;

export type Confirmation = 'receiptCode' | 'token';

/** The pharmacy hands over, the courier takes over: one transaction, built at one node and signed at both. Gives the parcelId. */
export async function ship(stage: Stage, { rxId }: Issued): Promise<string> {
  const parcelId = newId();
  const pharmacy = stage.devnet.client('pharmacy');
  const courier = stage.devnet.client('courier');
  const title = 'pharmacy and courier: pharmacist-wang hands the parcel over, rider-ma takes it over';
  await tellWrite(
    stage,
    { title, kind: 'delivery.ship', member: 'pharmacy', expected: 'committed' },
    async () => {
      const { payload } = await pharmacy.call('tx_build', {
        kind: 'delivery.ship',
        body: {
          parcelId,
          rxId,
          k: 0,
          courier: 'courier',
          sealHash: newPackHash(),
          deliverBy: inMs(deliverWithinMs),
        },
      });
      const signatures = await Promise.all([
        pharmacy.call('tx_sign', { practitioner: 'pharmacist-wang', payload }),
        courier.call('tx_sign', { practitioner: 'rider-ma', payload }),
      ]);
      return pharmacy.call('tx_submit', { payload, signatures: signatures.map(signatureOnly) });
    },
  );
  return parcelId;
}

export function signatureOnly({ key, sig }: SignatureJson): SignatureJson {
  return { key, sig };
}

export async function deliver(stage: Stage, parcelId: string): Promise<void> {
  const title = 'courier: rider-ma delivers the parcel';
  await tellWrite(stage, { title, kind: 'delivery.deliver', member: 'courier', expected: 'committed' }, () =>
    stage.devnet.client('courier').call('delivery_deliver', { practitioner: 'rider-ma', parcelId }),
  );
}

export interface Receipt {
  /** Null at the counter. */
  readonly parcelId: string | null;
  readonly confirmation: Confirmation;
  /** Another code than the patient's. */
  readonly wrongCode?: string;
  readonly expected?: WriteOutcome;
}

/** With the code through whoever hands over; with the token through the hospital's node, as a patient's app would. */
export async function receive(stage: Stage, issued: Issued, receipt: Receipt): Promise<void> {
  const { parcelId, confirmation, wrongCode, expected = 'committed' } = receipt;
  if (confirmation === 'token') {
    const title = 'patient: confirms the receipt with the key of the token';
    await tellWrite(stage, { title, kind: 'delivery.receive', member: 'hospital', expected }, () =>
      stage.devnet.client('hospital').call('delivery_receive', { token: issued.token, k: 0, parcelId }),
    );
    return;
  }
  const [member, person] =
    parcelId === null ? (['pharmacy', 'pharmacist-wang'] as const) : (['courier', 'rider-ma'] as const);
  const what =
    wrongCode === undefined ? "the patient's receipt code" : 'a receipt code that somebody guessed';
  const title = `${member}: ${person} enters ${what}`;
  await tellWrite(stage, { title, kind: 'delivery.receive', member, expected }, () =>
    stage.devnet.client(member).call('delivery_receive', {
      practitioner: person,
      rxId: issued.rxId,
      k: 0,
      parcelId,
      receiptCode: wrongCode ?? issued.receiptCode,
    }),
  );
}
