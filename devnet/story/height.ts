/** A node may be a few blocks behind the one that answered a write: who reads at another node waits for the height of the answer. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Stage } from './step.ts';

const pollMs = 25;
const catchUpMsMax = 10_000;

/** Resolves when the member's node has the block; a failure if that takes too long. */
export async function waitForHeight(stage: Stage, name: string, height: number): Promise<void> {
  const client = stage.devnet.client(name);
  const deadline = performance.now() + catchUpMsMax;
  while ((await client.call('ledger_head', {})).height < height) {
    if (performance.now() > deadline) throw new Error(`${name} did not reach height ${height}`);
    await delay(pollMs);
  }
}
