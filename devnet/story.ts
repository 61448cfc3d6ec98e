/** The life of a prescription, told step by step on a running consortium. */
import type { Supervisor } from './supervisor.ts';

/** One step: what was tried, what was to happen, and what did. */
export interface StoryStep {
  readonly title: string;
  readonly expected: string;
  readonly actual: string;
  readonly isAsExpected: boolean;
  /** Height of the block with the answer; null if the step made no transaction. */
  readonly height: number | null;
  /** File with the stamp; null if there is none. */
  readonly stampFile: string | null;
}

export interface StoryOptions {
  /** Where stamps are written. */
  readonly stampDirectory: string;
  /** Called after each step, in order. */
  readonly onStep: (step: StoryStep) => void;
}

/** Every step in order; the story goes on after a step that went wrong if it can. */
export async function runStory(devnet: Supervisor, options: StoryOptions): Promise<readonly StoryStep[]> {
  const client = devnet.client('hospital');
  const status = await client.call('node_status', {});
  const step: StoryStep = {
    title: 'The hospital answers',
    expected: 'hospital',
    actual: status.name,
    isAsExpected: status.name === 'hospital',
    height: null,
    stampFile: null,
  };
  options.onStep(step);
  return [step];
}
