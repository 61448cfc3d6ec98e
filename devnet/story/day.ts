/** A day in the region: prescriptions, habits and errors as the generator plans them from the devnet's seed, on the running nodes. */
import { bytesToHex } from '../../protocol/bytes.ts';
import type { Timestamp } from '../../protocol/brand.ts';
import type { Consortium } from '../cast.ts';
import { signedEnvelope, type TimedAct } from '../generator/act.ts';
import { regionOf } from '../generator/consortiumRegion.ts';
import { pairsOf } from '../generator/days.ts';
import { livesAtOnce } from '../generator/moment.ts';
import { addUp, nothingOwed } from '../generator/owing.ts';
import { seedOfText } from '../generator/random.ts';
import type { Region } from '../generator/region.ts';
import { waitForHeight } from './height.ts';
import {
  answerMsMax,
  tellBroken,
  tellFact,
  tellTogether,
  tellWrite,
  type Stage,
  type StoryStep,
} from './step.ts';

/** With all that the other chapters issue, fewer than a doctor may within an hour. */
const prescriptionCount = 30;

/** The acts of each life, in their order. */
type Plan = readonly (readonly TimedAct[])[];

/** Same seed, same day: only the times in it differ. */
export function planDay(
  region: Region,
  { seed, at }: { readonly seed: string; readonly at: Timestamp },
): Plan {
  const lives = livesAtOnce(region, { seed: seedOfText(`${seed}/day`), at });
  return Array.from({ length: prescriptionCount }, () => lives.next().value);
}

/** All lives at the same time; of each member one step tells what it did, and what the day adds up to is looked up on the ledger. */
export async function tellDay(stage: Stage, consortium: Consortium): Promise<void> {
  const region = regionOf(consortium);
  const plan = planDay(region, { seed: consortium.seed, at: Date.now() as Timestamp });
  const acts = plan.flat();
  const owedBefore = await owedNow(stage, region);
  const told = new Map<string, StoryStep[]>(consortium.members.map(({ name }) => [name, []]));
  const tellOf = (member: string): Stage => ({ ...stage, onStep: (step) => told.get(member)?.push(step) });
  await Promise.all(plan.map(async (life) => live(life, region, tellOf)));
  for (const [member, steps] of told) {
    const own = acts.filter((act) => act.member === member);
    if (own.length > 0) tellTogether(stage, `${member}: ${describeActs(own)}`, steps);
  }
  const height = Math.max(...[...told.values()].flat().map((step) => step.height ?? 0));
  await tellDebts(stage, { region, acts, owedBefore, height });
  await tellParts(stage, acts);
}

/** Every member has keys of its own, and sends signed bytes; the next act follows when the ledger has answered the last one. */
async function live(
  life: readonly TimedAct[],
  { chainId }: Region,
  tellOf: (member: string) => Stage,
): Promise<void> {
  for (const act of life) {
    const { member, action, expected } = act;
    const stage = tellOf(member);
    const transaction = `0x${bytesToHex(signedEnvelope(chainId, act))}`;
    const line = {
      title: `${member}: ${action.kind} ${act.id}`,
      kind: action.kind,
      member,
      expected: expected === 'committed' ? expected : (`refused: ${expected}` as const),
    };
    try {
      await tellWrite(stage, line, () =>
        stage.devnet
          .client(member)
          .call('tx_submit', { transaction, waitFor: 'committed', timeoutMs: answerMsMax }),
      );
    } catch (error) {
      tellBroken(stage, error);
      return;
    }
  }
}

/** `19 rx.issue, 2 rx.review, 1 refused as planned (prescriptionExists)`. */
function describeActs(acts: readonly TimedAct[]): string {
  const counts = new Map<string, number>();
  for (const { action, expected } of acts) {
    const what = expected === 'committed' ? action.kind : `refused as planned (${expected})`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts].map(([what, count]) => `${count} ${what}`).join(', ');
}

/** What is open between each insurer and pharmacy, by `insurer/pharmacy`; each insurer is asked. */
async function owedNow(stage: Stage, region: Region): Promise<ReadonlyMap<string, number>> {
  const positions = pairsOf(region).map(async (pair) => {
    const { position } = await stage.devnet.client(pair.insurer).call('settle_position', pair);
    return [`${pair.insurer}/${pair.pharmacy}`, position.total] as const;
  });
  return new Map(await Promise.all(positions));
}

interface Day {
  readonly region: Region;
  readonly acts: readonly TimedAct[];
  readonly owedBefore: ReadonlyMap<string, number>;
  /** Of the last answer. */
  readonly height: number;
}

async function tellDebts(stage: Stage, { region, acts, owedBefore, height }: Day): Promise<void> {
  const owing = nothingOwed();
  for (const act of acts) if (act.expected === 'committed') addUp(owing, act);
  const describe = (amountOf: (pair: string) => number): string =>
    [...owedBefore.keys()].map((pair) => `${pair} ${amountOf(pair)}`).join(', ');
  const title = 'the insurers: what the day adds to what they owe';
  const expected = describe((pair) => owing.owed.get(pair) ?? 0);
  await tellFact(stage, { title, expected }, async () => {
    await Promise.all(region.insurers.map(async ({ name }) => waitForHeight(stage, name, height)));
    const owedAfter = await owedNow(stage, region);
    return describe((pair) => (owedAfter.get(pair) ?? 0) - (owedBefore.get(pair) ?? 0));
  });
}

/** I8 over the whole day, from what the ledger holds of every claim that was approved. */
async function tellParts(stage: Stage, acts: readonly TimedAct[]): Promise<void> {
  const approved = acts.flatMap(({ action, member }) =>
    action.kind === 'claim.adjudicate' && action.body.outcome === 'approve'
      ? [{ insurer: member, claimId: `0x${action.body.claimId}`, lines: action.body.lines }]
      : [],
  );
  const lines = approved.flatMap((claim) => claim.lines);
  const covered = sum(lines.map((line) => line.covered));
  const patientPays = sum(lines.map((line) => line.patientPays));
  const describe = (price: number, parts: readonly [covered: number, patientPays: number]): string =>
    `${price} = ${parts.join(' + ')}`;
  const title = `the ${approved.length} approved claims: their prices, the insurers' parts and the patients' parts`;
  const expected = describe(covered + patientPays, [covered, patientPays]);
  await tellFact(stage, { title, expected }, async () => {
    const found = await Promise.all(
      approved.map(async ({ insurer, claimId }) =>
        stage.devnet.client(insurer).call('claim_get', { claimId }),
      ),
    );
    const price = sum(found.flatMap(({ claim }) => claim.lines.map((line) => line.price)));
    const parts = found.flatMap(({ claim }) => claim.adjudication?.lines ?? []);
    return describe(price, [
      sum(parts.map((line) => line.covered)),
      sum(parts.map((line) => line.patientPays)),
    ]);
  });
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}
