/** The life of a prescription, told step by step on a running consortium, through the members' own nodes. */
import type { Consortium } from './cast.ts';
import { medicationRequests, type PatientDocument } from './documents.ts';
import { tellAutomaticAdjudicator } from './story/automatic.ts';
import { tellChoices, tellReturns } from './story/change.ts';
import { tellDay } from './story/day.ts';
import { tellDispute } from './story/dispute.ts';
import { tellLives, tellSettlement } from './story/life.ts';
import { tellNetting } from './story/netting.ts';
import { tellCancellations, tellControlled, tellParts, tellSameBytes, tellSecondUse } from './story/once.ts';
import { tellRegistration } from './story/registration.ts';
import { tellSameState, tellStamps } from './story/proof.ts';
import { tellBroken, type Stage, type StoryStep } from './story/step.ts';

type Setting = Omit<Stage, 'chapter'>;

/** Null if the chapter broke. */
type Teller = <T>(chapter: string, telling: (stage: Stage) => Promise<T>) => Promise<T | null>;

/** What the voters can do before the observers are there: the first block. */
export async function runOpening(setting: Setting): Promise<readonly StoryStep[]> {
  const { steps, tell } = tellerOf(setting);
  await tell('The voters begin', tellRegistration);
  return steps;
}

/** Every step in order; a chapter that breaks does not keep the next ones from being told. */
export async function runStory(setting: Setting, consortium: Consortium): Promise<readonly StoryStep[]> {
  const { steps, tell } = tellerOf(setting);
  const documents = medicationRequests();
  const [document] = documents;
  if (document === undefined) throw new Error('there are no prescriptions to tell of');
  await tellMainJob(tell, documents);
  await tellMoney(tell, document);
  await tell('A day in the region', async (stage) => tellDay(stage, consortium));
  await tell('The same bytes count once', async (stage) => tellSameBytes(stage, document));
  await tell('Two pharmacies supply a part each', async (stage) => tellParts(stage, document));
  await tell('Cancelled in time, and too late', async (stage) => tellCancellations(stage, document));
  await tell('A change of mind', async (stage) => tellChoices(stage, document));
  await tell('What comes back', async (stage) => tellReturns(stage, document));
  await tell('A controlled medicine', async (stage) => tellControlled(stage, document));
  await tell('What anybody can check', async (stage) => {
    await tellStamps(stage);
    await tellSameState(stage);
  });
  return steps;
}

function tellerOf(setting: Setting): { readonly steps: readonly StoryStep[]; readonly tell: Teller } {
  const steps: StoryStep[] = [];
  const onStep = (step: StoryStep): void => {
    steps.push(step);
    setting.onStep(step);
  };
  const tell: Teller = async (chapter, telling) => {
    const stage: Stage = { ...setting, chapter, onStep };
    try {
      return await telling(stage);
    } catch (error) {
      tellBroken(stage, error);
      return null;
    }
  };
  return { steps, tell };
}

async function tellMainJob(tell: Teller, documents: readonly PatientDocument[]): Promise<void> {
  const lives = await tell('From the issue to the accepted claim', async (stage) =>
    tellLives(stage, documents),
  );
  if (lives === null) return;
  await tell('The settlement', async (stage) => tellSettlement(stage, lives));
  const [first] = lives;
  if (first === undefined) return;
  await tell('A second use', async (stage) => tellSecondUse(stage, first.issued));
}

/** After the first statement of the pair: its next one has what these chapters settle. */
async function tellMoney(tell: Teller, document: PatientDocument): Promise<void> {
  const entries = [
    await tell('An insurer that answers by itself', async (stage) =>
      tellAutomaticAdjudicator(stage, document),
    ),
    await tell('A dispute, and what goes back', async (stage) => tellDispute(stage, document)),
  ];
  // Of a chapter that broke nobody knows what it settled.
  if (entries.includes(null)) return;
  await tell('One round settles all', async (stage) =>
    tellNetting(
      stage,
      document,
      entries.flatMap((own) => own ?? []),
    ),
  );
}
