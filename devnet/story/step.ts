/** One step of the story, and the ways to tell it: a write with its stamp, an error, a fact. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ActionKind } from '../../protocol/action.ts';
import { hexToBytes } from '../../protocol/bytes.ts';
import type { RefusalCode } from '../../protocol/refusal.ts';
import { RpcError } from '../../node/rpc/client.ts';
import type { TransactionResult } from '../../node/rpc/contract.ts';
import type { ErrorName } from '../../node/rpc/errors.ts';
import type { Supervisor } from '../supervisor.ts';

/** The most that a node waits for an outcome; a devnet of many nodes on few cores is slow. */
export const answerMsMax = 60_000;

/** What was tried, what was to happen, and what did. */
export interface StoryStep {
  readonly chapter: string;
  readonly title: string;
  readonly expected: string;
  readonly actual: string;
  readonly isAsExpected: boolean;
  /** Height of the block with the answer; null if the step made no transaction. */
  readonly height: number | null;
  /** Path of the file with the stamp; null if there is none. */
  readonly stampFile: string | null;
}

/** Where the story is played. */
export interface Stage {
  readonly devnet: Pick<Supervisor, 'client' | 'genesisFile' | 'names'>;
  /** Where stamps are written. */
  readonly stampDirectory: string;
  /** Of the steps that are told now. */
  readonly chapter: string;
  readonly onStep: (step: StoryStep) => void;
}

export type WriteOutcome = 'committed' | `refused: ${RefusalCode}`;

export interface WriteLine {
  readonly title: string;
  readonly kind: ActionKind;
  /** Whose node is asked for the stamp. */
  readonly member: string;
  readonly expected: WriteOutcome;
}

export interface Line {
  readonly title: string;
  readonly expected: string;
}

/** The next steps of this chapter need what this one should have given. */
class ChapterBroken extends Error {
  override readonly name = 'ChapterBroken';
}

/**
 * A transaction, committed or refused on the ledger; its stamp is written. Throws if there is no answer of the ledger to go on
 * with: the step has been told then.
 */
export async function tellWrite<T extends TransactionResult>(
  stage: Stage,
  line: WriteLine,
  call: () => Promise<T>,
): Promise<T> {
  try {
    const first = await call();
    const result = first.status === 'pending' ? { ...first, ...(await askAgain(stage, line, first)) } : first;
    const actual = result.code === null ? result.status : `refused: ${result.code}`;
    const stampFile = result.height === null ? null : await writeStamp(stage, line, result);
    tellStep(stage, line, { actual, height: result.height, stampFile });
    return result;
  } catch (error) {
    tellStep(stage, line, { actual: describeError(error) });
    throw new ChapterBroken(line.title, { cause: error });
  }
}

/** A call that the node itself has to refuse. */
export async function tellError(
  stage: Stage,
  line: { readonly title: string; readonly expected: ErrorName },
  call: () => Promise<unknown>,
): Promise<void> {
  const actual = await call().then(() => 'answered', describeError);
  tellStep(stage, { title: line.title, expected: `error: ${line.expected}` }, { actual });
}

/** Something that can be looked up; the look says what it saw in the words of `expected`. */
export async function tellFact(stage: Stage, line: Line, look: () => Promise<string>): Promise<void> {
  tellStep(stage, line, { actual: await look().catch(describeError) });
}

/** Many steps as one: all of them as expected, or the first that was not. */
export function tellTogether(stage: Stage, title: string, steps: readonly StoryStep[]): void {
  const expected = `${steps.length} steps as expected`;
  const wrong = steps.find((step) => !step.isAsExpected);
  const actual =
    wrong === undefined
      ? expected
      : `${wrong.title}: ${wrong.actual}, expected ${wrong.expected} (and maybe more)`;
  const height = Math.max(...steps.map((step) => step.height ?? 0));
  tellStep(stage, { title, expected }, { actual, height: height === 0 ? null : height });
}

/** Ends a chapter that could not be told to its end; the step that broke it has been told, any other failure has not. */
export function tellBroken(stage: Stage, error: unknown): void {
  if (error instanceof ChapterBroken) return;
  tellStep(stage, { title: 'the end', expected: 'told to its end' }, { actual: describeError(error) });
}

function tellStep(
  stage: Stage,
  { title, expected }: Line,
  saw: { readonly actual: string; readonly height?: number | null; readonly stampFile?: string | null },
): void {
  const { actual, height = null, stampFile = null } = saw;
  const { chapter, onStep } = stage;
  onStep({ chapter, title, expected, actual, isAsExpected: actual === expected, height, stampFile });
}

/** A timeout is a result, not an error: the outcome is asked for. */
async function askAgain(
  stage: Stage,
  line: WriteLine,
  result: TransactionResult,
): Promise<TransactionResult> {
  const { txId } = result;
  return stage.devnet.client(line.member).call('tx_status', { txId, timeoutMs: answerMsMax });
}

async function writeStamp(stage: Stage, line: WriteLine, result: TransactionResult): Promise<string> {
  const { stamp } = await stage.devnet.client(line.member).call('tx_stamp', { txId: result.txId });
  const place = `${padded(result.height ?? 0, 6)}-${padded(result.index ?? 0, 4)}`;
  const outcome = result.code === null ? '' : '.refused';
  const path = join(stage.stampDirectory, `${place}-${line.kind}${outcome}.stamp`);
  writeFileSync(path, hexToBytes(stamp.slice(2)));
  return path;
}

function padded(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

function describeError(error: unknown): string {
  if (error instanceof RpcError) return `error: ${error.errorName ?? error.message}`;
  return `failure: ${error instanceof Error ? error.message : String(error)}`;
}
