/** The walk: every act of the ledger, in stories that may be told beside one another. */
import { consortium, evidence } from './governance.ts';
import { ownInsurance, settlement } from './money.ts';
import { arrival, loss, ownRider } from './parcels.ts';
import { people, theft } from './people.ts';
import { choices, itemEnd, supplies } from './prescriptions.ts';
import type { Setting, Step, Story } from './step.ts';

/** None needs another one. The one that waits for a deadline comes last. */
export function stories(setting: Setting): readonly Story[] {
  const told = [people, choices, supplies, settlement, ownInsurance, consortium, ownRider, arrival, loss];
  return told.map((story) => story(setting));
}

/** For when all stories are told: the doctor of all of them cannot issue after it. */
export function* ending(setting: Setting): Generator<Step> {
  yield* theft(setting);
  yield* evidence(setting);
}

/** All in one, with what takes hours: for a clock that can be set. */
export function* wholeWalk(setting: Setting): Generator<Step> {
  for (const story of stories(setting)) yield* story;
  yield* itemEnd(setting);
  yield* ending(setting);
}
