/** Members whose nodes stand on one ledger in memory, whose clock moves on to the time of each step. */
import type { Timestamp } from '../../../protocol/brand.ts';
import { noon } from '../../support/chain.ts';
import { day, type Setting, type Step } from '../../support/walk/step.ts';
import type { Done, Walk, Way } from '../../support/walk/ways.ts';
import { memberOn, type Caller } from './caller.ts';
import { memoryChain, memoryPorts, type MemoryChain } from './memoryNode.ts';

interface MemoryWalk extends Walk {
  readonly chain: MemoryChain;
  readonly at: (member: string) => Caller;
}

export function aWalk(): MemoryWalk {
  const chain = memoryChain();
  const callers = new Map<string, Caller>();
  return {
    chain,
    at: (member) => {
      const caller = callers.get(member) ?? memberOn(chain, member);
      callers.set(member, caller);
      return caller;
    },
    isInKeystore: () => true,
  };
}

export function settingOf({ chain }: MemoryWalk): Setting {
  return {
    chainId: memoryPorts(chain).ledger.chainId,
    startMs: noon,
    elapsedMs: () => chain.timeMs - noon,
    // Of five voters.
    quorum: 4,
    dueMs: day,
  };
}

/** Moves the ledger's time on to the step's, and does it. */
export async function take(walk: MemoryWalk, step: Step, way: Way): Promise<Done> {
  walk.chain.timeMs = Math.max(walk.chain.timeMs, step.notBefore) as Timestamp;
  return way(walk, step);
}
