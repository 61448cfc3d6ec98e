import assert from 'node:assert/strict';
import { medicationRequests } from '../../../devnet/documents.ts';

describe('the documents of the devnet', () => {
  const documents = medicationRequests();

  it('are the ten R4 MedicationRequests of two Synthea patients', () => {
    const types = new Set(documents.map(({ resource }) => resource['resourceType']));
    const patients = new Set(documents.map(({ patient }) => patient['id']));
    assert.deepEqual([documents.length, [...types], patients.size], [10, ['MedicationRequest'], 2]);
  });

  it('each belong to their patient', () => {
    const owners = documents.map(({ resource }) => JSON.stringify(resource['subject']).slice(-38, -2));
    const patients = documents.map(({ patient }) => patient['id']);
    assert.deepEqual(owners, patients);
  });
});
