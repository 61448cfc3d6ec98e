/** Applications: each machine is handed transactions of its own member, some of them twice or at another machine too. */
import type { Engine } from '../../../node/engine.ts';
import type { SubmittedTransaction } from './cast.ts';
import { laterOn, later, type Machine, type Process, type World } from './world.ts';

const waitMs = 20_000;

export function startClients(world: World): void {
  const next = new Map<Machine, number>();
  const submitNext = (): void => {
    const { random, machines, plan } = world;
    if (!world.isIdle) {
      const machine = random.pick(machines);
      const number = next.get(machine) ?? 0;
      const transaction = machine.member.transaction(number);
      const isAgain = random.chance(0.1);
      if (!isAgain) next.set(machine, number + 1);
      const at = random.chance(0.05) ? random.pick(machines) : machine;
      if (at.process !== null) hand(world, at.process, transaction);
    }
    later(world, 1 + random.below(2 * plan.submitEveryMs), submitNext);
  };
  later(world, 1, submitNext);
}

/** What a node says is committed must be in the one chain. */
export function hand(world: World, process: Process, transaction: SubmittedTransaction): void {
  const { engine } = process;
  if (engine === null || !engine.isStarted) return;
  laterOn(world, process, {
    afterMs: 0,
    action: () => {
      submit(world, { process, engine }, transaction).catch((cause: unknown) =>
        world.watch.onHandlerFailed(process, cause),
      );
    },
  });
}

async function submit(
  world: World,
  { process, engine }: { readonly process: Process; readonly engine: Engine },
  { txId, bytes }: SubmittedTransaction,
): Promise<void> {
  const taken = await engine.submit(bytes);
  if (!taken.ok || !process.isAlive) return;
  const outcome = await engine.tracker.wait(txId, waitMs);
  if (outcome.status === 'receipt') world.watch.onAcknowledged(process, outcome.receipt);
}
