import assert from 'node:assert/strict';
import type { MemberName, PublicKey } from '../../../protocol/brand.ts';
import { sealedDocumentBytesMax, sealRecipientsMax } from '../../../protocol/limits.ts';
import { refused } from '../../../protocol/result.ts';
import {
  decodeSealedDocument,
  documentCommitment,
  encodeSealedDocument,
  matchesSeal,
  sealOf,
  type KeyWrap,
  type SealedDocument,
} from '../../../protocol/seal.ts';

function aWrap(member: string | null): KeyWrap {
  return {
    member: member as MemberName | null,
    recipientKey: '11'.repeat(32) as PublicKey,
    encapsulated: new Uint8Array(32).fill(2),
    wrapped: new Uint8Array(48).fill(3),
  };
}

function aDocument(changes: Partial<SealedDocument> = {}): SealedDocument {
  return {
    docType: 'MedicationRequest',
    commitment: documentCommitment(new Uint8Array(32), new Uint8Array(1)),
    blob: new Uint8Array(1_052).fill(7),
    wraps: [aWrap('hospital-1'), aWrap(null)],
    ...changes,
  };
}

describe('a sealed document', () => {
  it('reads as it was written', () => {
    const document = aDocument();
    assert.deepEqual(decodeSealedDocument(encodeSealedDocument(document)), { ok: true, value: document });
  });

  it('has at least one recipient and at most the limit', () => {
    const wraps = Array.from({ length: sealRecipientsMax }, () => aWrap('pharmacy-1'));
    const full = decodeSealedDocument(encodeSealedDocument(aDocument({ wraps })));
    assert.equal(full.ok, true);
    assert.throws(() => encodeSealedDocument(aDocument({ wraps: [...wraps, aWrap(null)] })));
    assert.throws(() => encodeSealedDocument(aDocument({ wraps: [] })));
  });

  it('is refused beyond its size', () => {
    const bytes = new Uint8Array(sealedDocumentBytesMax + 1);
    assert.deepEqual(
      decodeSealedDocument(bytes),
      refused('tooLarge', `at most ${sealedDocumentBytesMax} bytes`),
    );
  });

  it('matches its own seal and no other', () => {
    const document = aDocument();
    const seal = sealOf(document);
    assert.equal(matchesSeal(document, seal), true);
    assert.equal(matchesSeal(aDocument({ blob: new Uint8Array(1_052).fill(8) }), seal), false);
    assert.equal(matchesSeal(aDocument({ docType: 'Patient' }), seal), false);
    assert.equal(matchesSeal(document, { ...seal, size: seal.size + 1 }), false);
    assert.equal(matchesSeal(document, { ...seal, commitment: seal.blobHash }), false);
  });

  it('has a commitment that depends on its salt', () => {
    const json = new Uint8Array(8);
    assert.notEqual(
      documentCommitment(new Uint8Array(32).fill(1), json),
      documentCommitment(new Uint8Array(32).fill(2), json),
    );
  });
});
