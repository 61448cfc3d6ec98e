/** The life of a prescription, told step by step on a running consortium, through the members' own nodes. */
import { medicationRequests, type PatientDocument } from './documents.ts';
import { tellLives, tellReopening, tellSettlement } from './story/life.ts';
import { tellCancellations, tellControlled, tellParts, tellSameBytes, tellSecondUse } from './story/once.ts';
import { tellSameState, tellStamps } from './story/proof.ts';
import { tellBroken, type Stage, type StoryStep } from './story/step.ts';

/** Every step in order; a chapter that breaks does not keep the next ones from being told. */
export async function runStory(stage: Stage): Promise<readonly StoryStep[]> {
  const steps: StoryStep[] = [];
  const told: Stage = {
    ...stage,
    onStep: (step) => {
      steps.push(step);
      stage.onStep(step);
    },
  };
  const documents = medicationRequests();
  const [document] = documents;
  if (document === undefined) throw new Error('there are no prescriptions to tell of');
  await tellMainJob(told, documents);
  await chapter(told, 'the same bytes', tellSameBytes(told, document));
  await chapter(told, 'two parts', tellParts(told, document));
  await chapter(told, 'cancellations', tellCancellations(told, document));
  await chapter(told, 'a controlled medicine', tellControlled(told, document));
  await chapter(told, 'stamps', tellStamps(told));
  await chapter(told, 'one state', tellSameState(told));
  return steps;
}

async function tellMainJob(stage: Stage, documents: readonly PatientDocument[]): Promise<void> {
  const lives = await chapter(stage, 'lives', tellLives(stage, documents));
  if (lives === null) return;
  await chapter(stage, 'opening again', tellReopening(stage, lives));
  await chapter(stage, 'settlement', tellSettlement(stage, lives));
  const [first] = lives;
  if (first !== undefined) await chapter(stage, 'second use', tellSecondUse(stage, first.issued));
}

async function chapter<T>(stage: Stage, name: string, telling: Promise<T>): Promise<T | null> {
  try {
    return await telling;
  } catch (error) {
    tellBroken(stage, name, error);
    return null;
  }
}
