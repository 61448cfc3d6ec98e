/** The cases of all themes, by the name of their file in this folder. */
import { admissionCases } from './admissionCases.ts';
import { claimCases } from './claimCases.ts';
import { fillCases } from './fillCases.ts';
import { governanceCases } from './governanceCases.ts';
import { parcelCases } from './parcelCases.ts';
import { peopleCases } from './peopleCases.ts';
import { prescriptionCases } from './prescriptionCases.ts';
import type { RefusalCase } from './refusalCase.ts';
import { sealedCases } from './sealedCases.ts';
import { settlementCases } from './settlementCases.ts';

export const casesByTheme: Readonly<Record<string, readonly RefusalCase[]>> = {
  admissionCases,
  peopleCases,
  prescriptionCases,
  fillCases,
  parcelCases,
  claimCases,
  settlementCases,
  governanceCases,
  sealedCases,
};
