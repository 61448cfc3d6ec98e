/** Keys of practitioners come and go: added, rotated, revoked. A new key signs its own registration, so whoever registers one has it. */
import type { Context } from './authorisation.ts';
import type { Id, PublicKey } from './brand.ts';
import { practitionerKeysMax } from './limits.ts';
import { practitionerRecord, readPractitioner, type Practitioner } from './practitioner.ts';
import {
  keyRecord,
  readKey,
  type AddKeyBody,
  type KeyStanding,
  type RevokeKeyBody,
  type RotateKeyBody,
} from './practitionerKey.ts';
import { applied, type Applied } from './record.ts';
import { requireAdmin, requireSuspender } from './registration.ts';
import { accepted, refused, type Result } from './result.ts';

/** Refusals: `wrongSigners`, `practitionerUnknown`, `notPermitted` (another member's), `keyExists`, `tooLarge` (4 keys in force). */
export function addKey(context: Context, body: AddKeyBody): Result<Applied> {
  const { practitionerId, key } = body;
  const found = requireNewKey(context, practitionerId, key);
  if (!found.ok) return found;
  const practitioner = found.value;
  if (practitioner.keys.length >= practitionerKeysMax) return refused('tooLarge', 'keys');
  const writes = [practitionerRecord({ ...practitioner, keys: [...practitioner.keys, key] })];
  return accepted(applied([practitionerId], [...writes, keyRecord(key, newKey(context, practitionerId))]));
}

/** Refusals: `keyUnknown`, `wrongSigners`, `notPermitted` (another member's), `keyRevoked` (already), `keyExists`. */
export function rotateKey(context: Context, body: RotateKeyBody): Result<Applied> {
  const standing = readKey(context.state, body.key);
  if (standing === null) return refused('keyUnknown');
  const { practitionerId } = standing;
  const found = requireNewKey(context, practitionerId, body.newKey);
  if (!found.ok) return found;
  if (standing.revokedMs !== null) return refused('keyRevoked');
  const keys = found.value.keys.map((key) => (key === body.key ? body.newKey : key));
  return accepted(
    applied(
      [practitionerId],
      [
        practitionerRecord({ ...found.value, keys }),
        keyRecord(body.key, { ...standing, revokedMs: context.timeMs }),
        keyRecord(body.newKey, newKey(context, practitionerId)),
      ],
    ),
  );
}

/**
 * Nothing is searched: what a compromised key signed is found void when it is next looked at. A key can be revoked again
 * only to say that it was compromised, or compromised earlier. Refusals: `keyUnknown`, `wrongSigners`, `notPermitted`,
 * `timeInvalid` (compromised in the future), `keyRevoked`.
 */
export function revokeKey(context: Context, body: RevokeKeyBody): Result<Applied> {
  const { key, compromisedSince } = body;
  const standing = readKey(context.state, key);
  if (standing === null) return refused('keyUnknown');
  const found = requireSuspender(context, standing.practitionerId);
  if (!found.ok) return found;
  if (compromisedSince !== null && compromisedSince > context.timeMs)
    return refused('timeInvalid', 'compromisedSince');
  if (standing.revokedMs !== null && !isWorse(standing, compromisedSince)) return refused('keyRevoked');
  const { practitioner } = found.value;
  const keys = practitioner.keys.filter((own) => own !== key);
  const revokedMs = standing.revokedMs ?? context.timeMs;
  return accepted(
    applied(
      [practitioner.id],
      [
        practitionerRecord({ ...practitioner, keys }),
        keyRecord(key, { ...standing, revokedMs, compromisedSince }),
      ],
    ),
  );
}

function isWorse(standing: KeyStanding, compromisedSince: KeyStanding['compromisedSince']): boolean {
  if (compromisedSince === null) return false;
  return standing.compromisedSince === null || compromisedSince < standing.compromisedSince;
}

/** The member's own practitioner, and a key that nobody has: both the admin key and the new key signed. */
function requireNewKey(context: Context, id: Id, key: PublicKey): Result<Practitioner> {
  const allowed = requireAdmin(context, [key]);
  if (!allowed.ok) return allowed;
  const practitioner = readPractitioner(context.state, id);
  if (practitioner === null) return refused('practitionerUnknown');
  if (practitioner.member !== context.member) return refused('notPermitted');
  return readKey(context.state, key) === null ? accepted(practitioner) : refused('keyExists');
}

function newKey(context: Context, practitionerId: Id): KeyStanding {
  return { practitionerId, addedMs: context.timeMs, revokedMs: null, compromisedSince: null };
}
