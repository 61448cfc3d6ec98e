/**
 * Real input: every MedicationRequest of the Synthea patients that the package cql-exec-fhir ships. Only its R4 bundles are used;
 * its DSTU2 and STU3 bundles are older versions of FHIR, whose resources are not what this system seals.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { compareText } from '../protocol/bytes.ts';
import type { Json } from '../protocol/json.ts';

type Resource = { readonly [key: string]: Json };

export interface PatientDocument {
  /** FHIR R4 Patient. */
  readonly patient: Resource;
  /** FHIR R4 MedicationRequest of this patient. */
  readonly resource: Resource;
}

const packageName = 'cql-exec-fhir';

function isResource(value: Json | undefined): value is Resource {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function resourcesOf(bundle: Json): readonly Resource[] {
  if (!isResource(bundle) || !Array.isArray(bundle['entry'])) return [];
  return bundle['entry'].flatMap((entry: Json) =>
    isResource(entry) && isResource(entry['resource']) ? [entry['resource']] : [],
  );
}

/** In the order of file names and of each bundle's entries. A failure if the package is not installed. */
export function medicationRequests(): readonly PatientDocument[] {
  const folder = join(fixturesFolder(), 'r4');
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return files.toSorted(compareText).flatMap((name) => {
    const resources = resourcesOf(JSON.parse(readFileSync(join(folder, name), 'utf8')) as Json);
    const patient = resources.find((resource) => resource['resourceType'] === 'Patient');
    if (patient === undefined) return [];
    return resources
      .filter((resource) => resource['resourceType'] === 'MedicationRequest')
      .map((resource) => ({ patient, resource }));
  });
}

function fixturesFolder(): string {
  try {
    const path = createRequire(import.meta.url).resolve(`${packageName}/package.json`);
    return join(dirname(path), 'test', 'fixtures');
  } catch (error) {
    throw new Error(`the package ${packageName} is not installed: run npm ci with devDependencies`, {
      cause: error,
    });
  }
}
