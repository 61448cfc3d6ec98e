/** A member registers one more practitioner, under its administrator's key. */
import { randomBytes } from 'node:crypto';
import { publicKeyFromSeed } from '../../node/ed25519.ts';
import { inMs, newId } from './prescription.ts';
import { tellWrite, type Stage } from './step.ts';

const yearMs = 365 * 86_400_000;

/** The doctor holds the key; the node never sees its seed. */
export async function tellRegistration(stage: Stage): Promise<void> {
  const doctorKey = publicKeyFromSeed(Uint8Array.from(randomBytes(32)));
  const title = 'hospital: registers one more doctor, with the public key of the card that she holds';
  await tellWrite(
    stage,
    { title, kind: 'practitioner.register', member: 'hospital', expected: 'committed' },
    () =>
      stage.devnet.client('hospital').call('practitioner_register', {
        practitionerId: newId(),
        roles: ['doctor'],
        scopes: ['ordinary'],
        validUntil: inMs(yearMs),
        keys: [`0x${doctorKey}`],
      }),
  );
}
