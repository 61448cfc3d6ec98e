/** A reactor whose world writes down what is asked of it, in order. */
import assert from 'node:assert/strict';
import { genesisStart } from '../../../consensus/epoch.ts';
import { recover } from '../../../consensus/recovery.ts';
import type { SafetyRecord } from '../../../consensus/record.ts';
import type { ReplicaState } from '../../../consensus/replica.ts';
import { UnfinalBlocks } from '../../../node/blockBook.ts';
import { Reactor, type ReactorPorts } from '../../../node/reactor.ts';
import type { OwnVoter } from '../../../node/statement.ts';
import type { LogEntry } from '../../../node/storage/safetyRecord.ts';
import { Validator } from '../../../node/validator.ts';
import type { Block } from '../../../protocol/block.ts';
import type { VoterIndex } from '../../../protocol/brand.ts';
import { voterSetHash } from '../../../protocol/member.ts';
import { decodeMessage, type ConsensusMessage } from '../../../protocol/message.ts';
import { consensusSignerOf, noon, testChainId, testVoters, valueOf } from '../../support/chain.ts';
import { aBatch, aChain, aFetcher, aLog, aName, type Chain } from '../../support/nodeParts.ts';

export interface ReactorSetting extends Chain {
  readonly reactor: Reactor;
  /** What was asked of the world, in order: "append vote", "broadcast vote to voters", "commit 1", ... */
  readonly journal: string[];
  readonly messages: ConsensusMessage[];
  readonly entries: LogEntry[];
  readonly failures: unknown[];
}

export interface ReactorStart {
  /** Position in the voter set; null for an observer. The clinic, 1, leads view 1. */
  readonly own?: number | null;
  readonly records?: readonly SafetyRecord[];
  readonly ports?: Partial<ReactorPorts>;
  readonly chain?: Chain;
  /** Blocks that are not final yet and that this node holds. */
  readonly known?: readonly Block[];
}

export function ownVoterAt(index: number): OwnVoter {
  const name = testVoters.voters[index]?.name ?? assert.fail('a voter');
  return { chainId: testChainId, index: index as VoterIndex, signer: consensusSignerOf(name) };
}

function aState(own: number | null, records: readonly SafetyRecord[]): ReplicaState {
  const config = {
    chainId: testChainId,
    voters: testVoters,
    start: genesisStart(testChainId, noon),
    own: own as VoterIndex | null,
    ownName: testVoters.voters[own ?? -1]?.name ?? aName('observer'),
    deltaMs: 500,
    heartbeatMs: 0,
    seed: 0,
  };
  return recover(config, { block: null, certificate: null }, records);
}

export function aReactor(start: ReactorStart = {}): ReactorSetting {
  const { own = 1, records = [], ports = {}, chain = aChain([aBatch()]), known = [] } = start;
  const { clock, executor, pool, ledger } = chain;
  const journal: string[] = [];
  const messages: ConsensusMessage[] = [];
  const entries: LogEntry[] = [];
  const failures: unknown[] = [];
  const blocks = new UnfinalBlocks();
  blocks.keep(known);
  const { fetcher } = aFetcher({}, { pool });
  const validator = new Validator({
    clock,
    log: aLog(),
    executor,
    fetcher,
    blocks,
    finalHeight: () => ledger.head().height,
    deltaMs: 500,
    leaderOf: () => [],
    storeBatches: async () => void journal.push('store batches'),
  });
  const hear = (frame: Uint8Array): ConsensusMessage => {
    const message = valueOf(decodeMessage(frame));
    messages.push(message);
    return message;
  };
  const reactor = new Reactor(
    {
      clock,
      own: own === null ? null : ownVoterAt(own),
      voterSetHash: voterSetHash(testVoters),
      blockIntervalMsMin: 100,
      executor,
      validator,
      appendDurably: (added) => {
        journal.push(`append ${added.map(({ kind }) => kind).join(' ')}`);
        entries.push(...added);
      },
      broadcast: (frame, to) => void journal.push(`broadcast ${hear(frame).kind} to ${to}`),
      send: (to, frame) => void journal.push(`send ${hear(frame).kind} to ${to}`),
      fetchBlocks: () => void journal.push('fetch'),
      commit: ({ blocks: final }) =>
        void journal.push(`commit ${final.map(({ header }) => header.height).join(' ')}`),
      keepBlocks: blocks.keep,
      onStep: () => undefined,
      onFailure: (cause) => failures.push(cause),
      ...ports,
    },
    aState(own, records),
  );
  return { ...chain, reactor, journal, messages, entries, failures };
}
