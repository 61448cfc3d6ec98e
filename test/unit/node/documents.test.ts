import assert from 'node:assert/strict';
import { Documents, type DocumentsPorts, type SealDocuments } from '../../../node/documents.ts';
import { createToken } from '../../../node/patient.ts';
import type { StoredDocument } from '../../../node/storage/sealed.ts';
import type { Digest } from '../../../protocol/brand.ts';
import { sealedDocumentBytesMax } from '../../../protocol/limits.ts';
import { accepted, refused } from '../../../protocol/result.ts';
import {
  blobHash,
  decodeSealedDocument,
  encodeSealedDocument,
  type Seal,
  type SealedDocument,
} from '../../../protocol/seal.ts';
import type { SyncAnswer } from '../../../protocol/sync.ts';
import { deriveFillSecret, type PatientToken } from '../../../protocol/token.ts';
import type { Transaction } from '../../../protocol/transaction.ts';
import { aDigest, anId, testChainId, testGenesis, valueOf } from '../../support/chain.ts';
import { aSealingKeyPair } from '../../support/keys.ts';
import {
  aFetcher,
  aLog,
  aManualClock,
  aName,
  type Answerer,
  type ManualClock,
} from '../../support/nodeParts.ts';

const rxId = anId(7);
const hospital = aName('hospital');
const clinic = aName('clinic');
const resource = { resourceType: 'MedicationRequest', status: 'active' };

interface Setting {
  readonly documents: Documents;
  readonly stored: Map<Digest, StoredDocument>;
  readonly clock: ManualClock;
  readonly asked: readonly string[];
  readonly warnings: readonly string[];
}

interface Start {
  readonly own?: string;
  readonly peers?: Readonly<Record<string, Answerer>>;
  /** Of the prescription's issue; null: there is none on the ledger. */
  readonly seals?: readonly Seal[] | null;
  readonly mayRead?: DocumentsPorts['mayRead'];
  readonly held?: readonly SealedDocument[];
}

function aDocuments(start: Start = {}): Setting {
  const { own = 'hospital', peers = {}, seals = null, mayRead = () => false, held = [] } = start;
  const stored = new Map<Digest, StoredDocument>();
  for (const document of held) {
    const hash = blobHash(document.blob);
    stored.set(hash, { rxId, blobHash: hash, bytes: encodeSealedDocument(document) });
  }
  const secrets = new Map<string, Uint8Array>();
  const clock = aManualClock();
  const log = aLog();
  const { fetcher, asked } = aFetcher(peers);
  const issue = { member: hospital, seals } as Partial<Transaction> as Transaction;
  const documents = new Documents({
    chainId: testChainId,
    own: aName(own),
    keyPair: aSealingKeyPair(own),
    store: {
      get: (hash) => stored.get(hash)?.bytes ?? null,
      put: async (document) => void stored.set(document.blobHash, document),
      getPrivate: (key) => secrets.get(key) ?? null,
      putPrivate: async (key, bytes) => void secrets.set(key, bytes),
    },
    clock,
    fetcher,
    log,
    sealingKeyOf: (name) => testGenesis.members.find((member) => member.name === name)?.sealingKey ?? null,
    holders: () => testGenesis.voters,
    connected: () => Object.keys(peers).map(aName),
    issueOf: async () => (seals === null ? null : issue),
    mayRead,
  });
  return { documents, stored, clock, asked, warnings: log.warnings };
}

interface Sealed {
  readonly seal: Seal;
  readonly document: SealedDocument;
  readonly bytes: Uint8Array;
  readonly token: PatientToken;
}

/** One document of the hospital, sealed to itself, the clinic and the patient's one fill. */
async function aSealed(recipients: SealDocuments['recipients'] = [clinic]): Promise<Sealed> {
  const { documents, stored } = aDocuments();
  const token = createToken(rxId);
  const [seal] = valueOf(await documents.seal({ documents: [resource], recipients, token, fillCount: 1 }));
  assert.ok(seal !== undefined);
  const bytes = stored.get(seal.blobHash)?.bytes ?? assert.fail('kept');
  return { seal, document: valueOf(decodeSealedDocument(bytes)), bytes, token };
}

const opened = accepted([{ docType: 'MedicationRequest', resource }]);
const refusal = (code: 'notPermitted' | 'busy'): SyncAnswer => ({ kind: 'refused', code });

describe('sealing documents', () => {
  it('seals to its own member, the recipients and each fill, and hands copies to all holders in reach', async () => {
    const handed: string[] = [];
    const take =
      (name: string): Answerer =>
      (request) => {
        if (request.kind === 'sealedPut') handed.push(name);
        return { kind: 'stored' };
      };
    const { documents, stored, warnings } = aDocuments({
      peers: { clinic: take('clinic'), insurer: take('insurer'), pharmacy: take('pharmacy') },
    });
    const order = {
      documents: [resource],
      recipients: [aName('clinic')],
      token: createToken(rxId),
      fillCount: 2,
    };
    const [seal] = valueOf(await documents.seal(order));
    const kept = stored.get(seal?.blobHash ?? aDigest(0)) ?? assert.fail('kept');
    const { wraps, docType } = valueOf(decodeSealedDocument(kept.bytes));
    assert.deepEqual(
      wraps.map(({ member }) => member),
      ['hospital', 'clinic', null, null],
    );
    assert.equal(docType, 'MedicationRequest');
    assert.deepEqual(handed, ['clinic', 'pharmacy', 'insurer']);
    assert.deepEqual(warnings, []);
  });

  it('says when fewer copies are held than should be', async () => {
    const { documents, warnings } = aDocuments({ peers: { clinic: () => refusal('busy') } });
    const order = { documents: [resource], recipients: [], token: createToken(rxId), fillCount: 1 };
    assert.equal((await documents.seal(order)).ok, true);
    assert.deepEqual(warnings, ['a sealed document has fewer copies than it should']);
  });

  it('refuses a recipient who is no member (memberUnknown)', async () => {
    const { documents, stored } = aDocuments();
    const recipients = [aName('stranger')];
    const order = { documents: [resource], recipients, token: createToken(rxId), fillCount: 1 };
    assert.deepEqual(await documents.seal(order), refused('memberUnknown', 'recipients'));
    assert.equal(stored.size, 0);
  });
});

describe('opening documents', () => {
  it('opens what is sealed to this member', async () => {
    const { seal, document } = await aSealed();
    const { documents } = aDocuments({ own: 'clinic', seals: [seal], held: [document] });
    assert.deepEqual(await documents.open(rxId, null), opened);
  });

  it('refuses a prescription that the ledger does not know (prescriptionUnknown)', async () => {
    assert.deepEqual(await aDocuments().documents.open(rxId, null), refused('prescriptionUnknown'));
  });

  it('refuses a holder whom the ledger does not let read, even with the patient’s secret (notPermitted)', async () => {
    const { seal, document, token } = await aSealed();
    const { documents } = aDocuments({ own: 'insurer', seals: [seal], held: [document] });
    assert.deepEqual(await documents.open(rxId, deriveFillSecret(token, 0)), refused('notPermitted'));
  });

  it('opens with a fill’s secret for a member that the ledger lets read, now and later', async () => {
    const { seal, document, token } = await aSealed();
    const mayRead: DocumentsPorts['mayRead'] = (name, id) => name === 'pharmacy' && id === rxId;
    const { documents } = aDocuments({ own: 'pharmacy', seals: [seal], held: [document], mayRead });
    assert.deepEqual(await documents.open(rxId, null), refused('notARecipient'));
    assert.deepEqual(await documents.open(rxId, deriveFillSecret(token, 0)), opened);
    await documents.keepFillSecret(deriveFillSecret(token, 0));
    assert.deepEqual(await documents.open(rxId, null), opened);
  });

  it('does not open with the secret of another patient (notARecipient)', async () => {
    const { seal, document } = await aSealed();
    const { documents } = aDocuments({
      own: 'pharmacy',
      seals: [seal],
      held: [document],
      mayRead: () => true,
    });
    const stranger = deriveFillSecret(createToken(rxId), 0);
    assert.deepEqual(await documents.open(rxId, stranger), refused('notARecipient'));
  });

  it('fetches what it lacks from a holder, and keeps it', async () => {
    const { seal, bytes } = await aSealed();
    const peers: Readonly<Record<string, Answerer>> = {
      insurer: () => new Error('disconnected'),
      hospital: () => ({ kind: 'sealed', document: bytes }),
    };
    const { documents, stored } = aDocuments({ own: 'clinic', seals: [seal], peers });
    assert.deepEqual(await documents.open(rxId, null), opened);
    assert.deepEqual(stored.get(seal.blobHash)?.bytes, bytes);
  });

  it('passes over a holder that gives another document than the chain committed to', async () => {
    const { seal, bytes, document } = await aSealed();
    const other = await aSealed();
    const lies = [
      other.bytes,
      new Uint8Array([1]),
      encodeSealedDocument({ ...document, docType: 'Patient' }),
    ];
    for (const lie of lies) {
      const peers: Readonly<Record<string, Answerer>> = {
        hospital: () => ({ kind: 'sealed', document: lie }),
        insurer: () => ({ kind: 'sealed', document: bytes }),
      };
      const { documents, asked } = aDocuments({ own: 'clinic', seals: [seal], peers });
      assert.deepEqual(await documents.open(rxId, null), opened);
      assert.deepEqual(asked, ['hospital sealed', 'insurer sealed']);
    }
  });

  it('tells a refusal from a document that nobody has', async () => {
    const { seal } = await aSealed();
    const peers: Readonly<Record<string, Answerer>> = {
      hospital: () => refusal('notPermitted'),
      insurer: () => new Error('disconnected'),
    };
    const refusing = aDocuments({ own: 'clinic', seals: [seal], peers });
    assert.deepEqual(await refusing.documents.open(rxId, null), refused('notPermitted'));
    const absent = aDocuments({ own: 'clinic', seals: [seal] });
    assert.deepEqual(await absent.documents.open(rxId, null), refused('documentUnavailable'));
  });

  it('refuses a document whose wrap was broken (sealBroken)', async () => {
    const { seal, document } = await aSealed();
    const wraps = document.wraps.map((wrap) => ({ ...wrap, wrapped: wrap.wrapped.map((byte) => byte ^ 1) }));
    const { documents } = aDocuments({ own: 'clinic', seals: [seal], held: [{ ...document, wraps }] });
    assert.deepEqual(await documents.open(rxId, null), refused('sealBroken', 'key wrap'));
  });
});

describe('releasing documents (I20)', () => {
  const release = async (to: string, start: Start, hash: Digest): Promise<SyncAnswer> =>
    aDocuments({ own: 'insurer', ...start }).documents.serve(aName(to), rxId, hash);

  it('gives them to the issuer, to who they are sealed to, and to whom the ledger lets read', async () => {
    const { seal, document, bytes } = await aSealed();
    const mayRead: DocumentsPorts['mayRead'] = (name) => name === 'pharmacy';
    const start = { seals: [seal], held: [document], mayRead };
    const answers = await Promise.all(
      ['hospital', 'clinic', 'pharmacy'].map(async (name) => release(name, start, seal.blobHash)),
    );
    const answer = { kind: 'sealed', document: bytes };
    assert.deepEqual(answers, [answer, answer, answer]);
  });

  it('gives them to nobody else (notPermitted)', async () => {
    const { seal, document } = await aSealed();
    const start = { seals: [seal], held: [document] };
    assert.deepEqual(await release('pharmacy', start, seal.blobHash), refusal('notPermitted'));
  });

  it('gives no document under the name of another prescription (notPermitted)', async () => {
    const { seal, document } = await aSealed();
    const other = await aSealed();
    const start = { seals: [other.seal], held: [document], mayRead: () => true };
    assert.deepEqual(await release('clinic', start, seal.blobHash), refusal('notPermitted'));
  });

  it('gives none of a prescription that is not on the ledger (prescriptionUnknown)', async () => {
    const { seal, document } = await aSealed();
    const answer = await release('clinic', { held: [document] }, seal.blobHash);
    assert.deepEqual(answer, { kind: 'refused', code: 'prescriptionUnknown' });
  });

  it('says when it does not hold it (documentUnavailable)', async () => {
    const { seal } = await aSealed();
    const answer = await release('clinic', { seals: [seal] }, seal.blobHash);
    assert.deepEqual(answer, { kind: 'refused', code: 'documentUnavailable' });
  });
});

describe('holding documents of others', () => {
  it('keeps what it is handed, once or again', async () => {
    const { seal, bytes } = await aSealed();
    const { documents, stored } = aDocuments({ own: 'insurer' });
    assert.deepEqual(await documents.accept(aName('hospital'), rxId, bytes), { kind: 'stored' });
    assert.deepEqual(await documents.accept(aName('hospital'), rxId, bytes), { kind: 'stored' });
    assert.deepEqual(stored.get(seal.blobHash), { rxId, blobHash: seal.blobHash, bytes });
  });

  it('refuses what is no sealed document (malformed)', async () => {
    const { documents } = aDocuments();
    const answer = await documents.accept(aName('clinic'), rxId, new Uint8Array([1, 2]));
    assert.deepEqual(answer, { kind: 'refused', code: 'malformed' });
  });

  it('lets nobody put other wraps on a document that it holds (notPermitted)', async () => {
    const { seal, document, bytes } = await aSealed();
    const { documents, stored } = aDocuments({ own: 'insurer', held: [document] });
    const stripped = encodeSealedDocument({ ...document, wraps: document.wraps.slice(0, 1) });
    assert.deepEqual(await documents.accept(aName('pharmacy'), rxId, stripped), refusal('notPermitted'));
    assert.deepEqual(stored.get(seal.blobHash)?.bytes, bytes);
  });

  it('takes 256 MiB an hour from one member, and not one document more', async () => {
    const document = {
      docType: 'Document',
      commitment: aDigest(1),
      blob: new Uint8Array(sealedDocumentBytesMax - 400),
      wraps: (await aSealed()).document.wraps.slice(0, 1),
    };
    const bytes = encodeSealedDocument(document);
    const { documents, clock } = aDocuments({ own: 'insurer' });
    const countMax = Math.floor((256 * 1_048_576) / bytes.length);
    for (let count = 1; count < countMax; count += 1) await documents.accept(aName('clinic'), rxId, bytes);
    assert.deepEqual(await documents.accept(aName('clinic'), rxId, bytes), { kind: 'stored' });
    assert.deepEqual(await documents.accept(aName('clinic'), rxId, bytes), refusal('busy'));
    assert.deepEqual(await documents.accept(aName('pharmacy'), rxId, bytes), { kind: 'stored' });
    clock.advance(3_600_000);
    assert.deepEqual(await documents.accept(aName('clinic'), rxId, bytes), { kind: 'stored' });
  });
});
