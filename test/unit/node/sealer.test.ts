import assert from 'node:assert/strict';
import { createCipheriv, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { deflateRawSync } from 'node:zlib';
import { AEAD_AES_256_GCM, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from 'hpke';
import type { SealingKeyPair } from '../../../node/ed25519.ts';
import { openDocument, sealDocument, type SealOrder } from '../../../node/sealer.ts';
import type { Digest, Id, MemberName, PublicKey } from '../../../protocol/brand.ts';
import { concatBytes, hexToBytes, utf8ToBytes } from '../../../protocol/bytes.ts';
import {
  documentJsonBytesMax,
  documentJsonDepthMax,
  sealedDocumentBytesMax,
  sealRecipientsMax,
} from '../../../protocol/limits.ts';
import { refused } from '../../../protocol/result.ts';
import {
  documentCommitment,
  sealOf,
  type KeyWrap,
  type Seal,
  type SealedDocument,
} from '../../../protocol/seal.ts';
import { deriveFillSecret, type PatientToken } from '../../../protocol/token.ts';
import { fillKeys, patientKeys } from '../../../node/patient.ts';
import { aSealingKeyPair, aSeed } from '../../support/keys.ts';

const chainId = 'c4'.repeat(32) as Digest;
const hospital = aSealingKeyPair('hospital-1');
const pharmacy = aSealingKeyPair('pharmacy-1');
const stranger = aSealingKeyPair('stranger');
const token: PatientToken = { rxId: '0190a8c4b7e27c3f8a5d1e2f3a4b5c6d' as Id, secret: aSeed('token') };

interface Sealed {
  readonly document: SealedDocument;
  readonly seal: Seal;
}

function medicationRequests(): readonly unknown[] {
  const require = createRequire(import.meta.url);
  const path =
    require.resolve('cql-exec-fhir/test/fixtures/r4/Luna60_McCullough561_6662f0ca-b617-4e02-8f55-7275e9f49aa0.json');
  const bundle = JSON.parse(readFileSync(path, 'utf8')) as {
    readonly entry: readonly { readonly resource: { readonly resourceType: string } }[];
  };
  return bundle.entry
    .map((entry) => entry.resource)
    .filter((resource) => resource.resourceType === 'MedicationRequest');
}

function anOrder(changes: Partial<SealOrder> = {}): SealOrder {
  return {
    chainId,
    docType: 'MedicationRequest',
    json: { resourceType: 'MedicationRequest', status: 'active' },
    recipients: [
      { member: 'hospital-1' as MemberName, sealingKey: hospital.publicKey },
      { member: 'pharmacy-1' as MemberName, sealingKey: pharmacy.publicKey },
    ],
    tokenKeys: [],
    ...changes,
  };
}

async function aSealed(changes: Partial<SealOrder> = {}): Promise<Sealed> {
  const sealed = await sealDocument(anOrder(changes));
  assert.ok(sealed.ok);
  return sealed.value;
}

function open(sealed: Sealed, keyPair: SealingKeyPair): ReturnType<typeof openDocument> {
  return openDocument({ chainId, ...sealed, keyPair });
}

/** A document whose sealer followed no rule but the cipher's: `plaintext` is made from its salt. */
async function aForgery(canonical: Uint8Array, plaintextOf: (salt: Buffer) => Uint8Array): Promise<Sealed> {
  const [salt, key, nonce] = [randomBytes(32), randomBytes(32), randomBytes(12)];
  const commitment = documentCommitment(salt, canonical);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
  cipher.setAAD(utf8ToBytes(`Patient/${commitment}`));
  const blob = concatBytes(nonce, cipher.update(plaintextOf(salt)), cipher.final(), cipher.getAuthTag());
  const suite = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM);
  const { encapsulatedSecret, ciphertext } = await suite.Seal(
    await suite.DeserializePublicKey(hexToBytes(pharmacy.publicKey)),
    key,
    { info: concatBytes(utf8ToBytes('rxledger/seal/1'), hexToBytes(chainId), hexToBytes(commitment)) },
  );
  const wrap: KeyWrap = {
    member: 'pharmacy-1' as MemberName,
    recipientKey: pharmacy.publicKey,
    encapsulated: encapsulatedSecret,
    wrapped: ciphertext,
  };
  const document = { docType: 'Patient', commitment, blob, wraps: [wrap] };
  return { document, seal: sealOf(document) };
}

/** The right layout around any content: salt, size, deflated, zeros. */
function layOut(salt: Uint8Array, deflated: Uint8Array, size: number = deflated.length): Buffer {
  const plaintext = Buffer.alloc(Math.ceil((36 + deflated.length) / 1_024) * 1_024);
  plaintext.set(salt);
  plaintext.writeUInt32BE(size, 32);
  plaintext.set(deflated, 36);
  return plaintext;
}

describe('sealed documents', () => {
  it('give real prescriptions back to each recipient', async () => {
    const requests = medicationRequests();
    assert.ok(requests.length > 0);
    for (const json of requests.slice(0, 5)) {
      const sealed = await aSealed({ json });
      assert.deepEqual(await open(sealed, hospital), { ok: true, value: { json } });
      assert.deepEqual(await open(sealed, pharmacy), { ok: true, value: { json } });
    }
  });

  it('open with the fill secret that the patient showed', async () => {
    const json = { resourceType: 'MedicationRequest', id: 'one' };
    const sealed = await aSealed({ json, recipients: [], tokenKeys: patientKeys(token, 2).tokenKeys });
    const { unwrap } = fillKeys(deriveFillSecret(token, 1));
    assert.deepEqual(await open(sealed, unwrap), { ok: true, value: { json } });
    const other = fillKeys(deriveFillSecret(token, 2)).unwrap;
    assert.deepEqual(await open(sealed, other), refused('notARecipient'));
  });

  it('are refused to who is not a recipient', async () => {
    assert.deepEqual(await open(await aSealed(), stranger), refused('notARecipient'));
  });

  it('are refused to who only claims to be a recipient', async () => {
    const claimed = { publicKey: pharmacy.publicKey, secretKey: stranger.secretKey };
    assert.deepEqual(await open(await aSealed(), claimed), refused('sealBroken', 'key wrap'));
  });

  it('are refused with any one byte of the blob changed, even if the seal were changed with it', async () => {
    const { document, seal } = await aSealed();
    const accepted: number[] = [];
    for (let index = 0; index < document.blob.length; index += 1) {
      const blob = Uint8Array.from(document.blob);
      blob[index] = (blob[index] ?? 0) ^ 1;
      const changed = { ...document, blob };
      const asCommitted = await open({ document: changed, seal }, pharmacy);
      assert.deepEqual(asCommitted, refused('sealBroken', 'not the document of this seal'));
      const asForged = await open({ document: changed, seal: sealOf(changed) }, pharmacy);
      if (asForged.ok || asForged.refusal.detail !== 'ciphertext') accepted.push(index);
    }
    assert.deepEqual(accepted, []);
  });

  it('are refused on another chain, as another type and under another commitment', async () => {
    const { document, seal } = await aSealed();
    const otherChain = { chainId: 'c5'.repeat(32) as Digest, document, seal, keyPair: pharmacy };
    assert.deepEqual(await openDocument(otherChain), refused('sealBroken', 'key wrap'));
    const renamed = { ...document, docType: 'Patient' };
    assert.deepEqual(
      await open({ document: renamed, seal: sealOf(renamed) }, pharmacy),
      refused('sealBroken', 'ciphertext'),
    );
    const recommitted = { ...document, commitment: 'ab'.repeat(32) as Digest };
    assert.deepEqual(
      await open({ document: recommitted, seal: sealOf(recommitted) }, pharmacy),
      refused('sealBroken', 'key wrap'),
    );
  });

  it('are refused with a wrap of another size', async () => {
    const { document, seal } = await aSealed();
    const wraps = document.wraps.map((wrap) => ({ ...wrap, encapsulated: new Uint8Array(3) }));
    assert.deepEqual(
      await open({ document: { ...document, wraps }, seal }, pharmacy),
      refused('sealBroken', 'key wrap'),
    );
  });

  it('say little by their size, and nothing by sealing the same twice', async () => {
    const one = await aSealed({ json: { a: 1 } });
    const two = await aSealed({ json: { a: 'x'.repeat(700) } });
    const again = await aSealed({ json: { a: 1 } });
    assert.equal(one.document.blob.length, 12 + 1_024 + 16);
    assert.equal(two.document.blob.length, one.document.blob.length);
    assert.notEqual(again.seal.commitment, one.seal.commitment);
  });
});

describe('a document that was sealed against the rules', () => {
  const json = utf8ToBytes('{"a":1}');

  it('is read if it keeps them', async () => {
    const sealed = await aForgery(json, (salt) => layOut(salt, deflateRawSync(json)));
    assert.deepEqual(await open(sealed, pharmacy), { ok: true, value: { json: { a: 1 } } });
  });

  it('is refused if its content is not what it committed to', async () => {
    const other = deflateRawSync(utf8ToBytes('{"a":2}'));
    const sealed = await aForgery(json, (salt) => layOut(salt, other));
    assert.deepEqual(await open(sealed, pharmacy), refused('sealBroken', 'commitment'));
  });

  it('is refused if it inflates beyond the limit, and not at the limit', async () => {
    const atLimit = utf8ToBytes(`"${'a'.repeat(documentJsonBytesMax - 2)}"`);
    const good = await aForgery(atLimit, (salt) => layOut(salt, deflateRawSync(atLimit)));
    assert.equal((await open(good, pharmacy)).ok, true);
    const bomb = utf8ToBytes(`"${'a'.repeat(documentJsonBytesMax - 1)}"`);
    const bad = await aForgery(bomb, (salt) => layOut(salt, deflateRawSync(bomb)));
    assert.deepEqual(await open(bad, pharmacy), refused('sealBroken', 'padding'));
  });

  it('is refused if its padding is not zeros up to the next step', async () => {
    const deflated = deflateRawSync(json);
    const plaintexts: readonly ((salt: Buffer) => Uint8Array)[] = [
      (salt) => layOut(salt, deflated).fill(1, 36 + deflated.length),
      (salt) => layOut(salt, deflated, 2 ** 32 - 1),
      (salt) => Buffer.concat([layOut(salt, deflated), Buffer.alloc(1_024)]),
      (salt) => layOut(salt, deflated).subarray(0, 1_023),
      (salt) => salt,
      (salt) => layOut(salt, Buffer.alloc(5, 0xff)),
    ];
    for (const plaintextOf of plaintexts) {
      const sealed = await aForgery(json, plaintextOf);
      assert.deepEqual(await open(sealed, pharmacy), refused('sealBroken', 'padding'));
    }
  });

  it('is refused if its text is not the canonical one', async () => {
    const texts = ['{"a":1,"a":1}', '{ "a":1}', '{"b":1,"a":1}', '{"a":1.0}', '{', '', '['.repeat(100_000)];
    for (const text of texts) {
      const bytes = utf8ToBytes(text);
      const sealed = await aForgery(bytes, (salt) => layOut(salt, deflateRawSync(bytes)));
      assert.deepEqual(await open(sealed, pharmacy), refused('sealBroken', 'not canonical JSON'));
    }
    const nested = utf8ToBytes('['.repeat(100_000) + ']'.repeat(100_000));
    const deep = await aForgery(nested, (salt) => layOut(salt, deflateRawSync(nested)));
    assert.deepEqual(await open(deep, pharmacy), refused('sealBroken', 'not canonical JSON'));
  });
});

describe('sealing', () => {
  it('refuses what is not JSON data', async () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    for (const json of [undefined, Number.NaN, cycle, '\uD800', { '\uDC00': 1 }]) {
      assert.deepEqual(await sealDocument(anOrder({ json })), refused('malformed', 'json'));
    }
  });

  it('takes documents that nest to the limit, and refuses one level more', async () => {
    const nest = (depth: number): unknown => (depth === 1 ? [] : [nest(depth - 1)]);
    const sealed = await aSealed({ json: nest(documentJsonDepthMax) });
    assert.deepEqual(await open(sealed, pharmacy), { ok: true, value: { json: nest(documentJsonDepthMax) } });
    const deeper = anOrder({ json: nest(documentJsonDepthMax + 1) });
    assert.deepEqual(await sealDocument(deeper), refused('malformed', 'json'));
  });

  it('refuses to seal to nobody, to too many and to a key that is none', async () => {
    const nobody = anOrder({ recipients: [], tokenKeys: [] });
    assert.deepEqual(await sealDocument(nobody), refused('malformed', 'recipients'));
    const many = Array.from({ length: sealRecipientsMax }, () => pharmacy.publicKey);
    const atLimit = await sealDocument(anOrder({ recipients: [], tokenKeys: many }));
    assert.equal(atLimit.ok, true);
    assert.deepEqual(
      await sealDocument(anOrder({ recipients: [], tokenKeys: [...many, hospital.publicKey] })),
      refused('tooLarge', `at most ${sealRecipientsMax} recipients`),
    );
    const zero = anOrder({ tokenKeys: ['00'.repeat(32) as PublicKey] });
    assert.deepEqual(await sealDocument(zero), refused('malformed', 'recipient key'));
  });

  it('refuses a document that is too large, before and after compression', async () => {
    const plain = 'a'.repeat(documentJsonBytesMax);
    assert.deepEqual(
      await sealDocument(anOrder({ json: plain })),
      refused('tooLarge', `at most ${documentJsonBytesMax} bytes of JSON`),
    );
    const dense = randomBytes(sealedDocumentBytesMax).toString('base64');
    assert.deepEqual(
      await sealDocument(anOrder({ json: dense })),
      refused('tooLarge', `at most ${sealedDocumentBytesMax} bytes sealed`),
    );
  });
});
