/** A member registers one more practitioner, under its administrator's key and the practitioner's own. */
import { randomBytes } from 'node:crypto';
import { signerFromSeed } from '../../node/ed25519.ts';
import { hexToBytes } from '../../protocol/bytes.ts';
import { inMs, newId } from './prescription.ts';
import { tellWrite, type Stage } from './step.ts';

const yearMs = 365 * 86_400_000;

/** The doctor holds the key on a card, which signs that it is there; the node never sees its seed. */
export async function tellRegistration(stage: Stage): Promise<void> {
  const card = signerFromSeed(Uint8Array.from(randomBytes(32)));
  const hospital = stage.devnet.client('hospital');
  const { payload, signingBytes } = await hospital.call('tx_build', {
    kind: 'practitioner.register',
    body: {
      practitionerId: newId(),
      roles: ['doctor'],
      scopes: ['ordinary'],
      validUntil: inMs(yearMs),
      keys: [`0x${card.publicKey}`],
    },
  });
  const byAdmin = await hospital.call('tx_sign', { practitioner: 'admin', payload });
  const byCard = {
    key: `0x${card.publicKey}`,
    sig: `0x${card.sign(hexToBytes(signingBytes.slice(2)))}`,
  };
  const title = 'hospital: registers one more doctor, whose card signs beside the administrator';
  await tellWrite(
    stage,
    { title, kind: 'practitioner.register', member: 'hospital', expected: 'committed' },
    () =>
      hospital.call('tx_submit', { payload, signatures: [{ key: byAdmin.key, sig: byAdmin.sig }, byCard] }),
  );
}
