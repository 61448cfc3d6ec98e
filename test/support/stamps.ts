/** A stamp and a state stamp of a real block of the test chain, for tests that alter them. */
import type { Height } from '../../protocol/brand.ts';
import type { Header } from '../../protocol/block.ts';
import { genesisState } from '../../protocol/genesisBlock.ts';
import { executeBlock, type Execution } from '../../protocol/ledger.ts';
import type { GenesisProof } from '../../protocol/lightClient.ts';
import { practitionerRecordKey } from '../../protocol/practitioner.ts';
import { makeStamp, type Stamp } from '../../protocol/stamp.ts';
import { emptyState, overlay, type StateView } from '../../protocol/state.ts';
import { makeStateStamp, type StateStamp } from '../../protocol/stateStamp.ts';
import type { Transaction } from '../../protocol/transaction.ts';
import {
  aCommitOf,
  aHeader,
  aLaneBatch,
  anId,
  aRegistration,
  aTransaction,
  later,
  testChainId,
  testGenesis,
} from './chain.ts';

export interface StampedBlock {
  readonly transactions: readonly Transaction[];
  readonly execution: Execution;
  readonly view: StateView;
  readonly header: Header;
}

/** Block 1 with so many registrations; the last one repeats the first practitioner and is refused. */
export function aStampedBlock(count = 5): StampedBlock {
  const transactions = Array.from({ length: count }, (_, index) =>
    aTransaction({ id: anId(index + 1), action: aRegistration(index === count - 1 ? 1 : index + 1) }),
  );
  const before = overlay(emptyState, genesisState(testGenesis).writes);
  const block = {
    chainId: testChainId,
    height: 1 as Height,
    timeMs: later(1_000),
    parentDigest: testChainId,
  };
  const execution = executeBlock(before, block, [aLaneBatch('hospital', 1, transactions)]);
  const { receiptsRoot, stateRoot } = execution;
  const header = aHeader({ receiptsRoot, stateRoot });
  return { transactions, execution, view: overlay(before, execution.writes), header };
}

export function finalityOf(header: Header): GenesisProof {
  return { headers: [header], certificate: aCommitOf(header), closings: [] };
}

export function aStamp(block: StampedBlock, index = 2): Stamp {
  const transaction = block.transactions[index]?.envelopeBytes ?? new Uint8Array(0);
  const { receipts } = block.execution;
  return makeStamp({ transaction, receipts, index, finality: finalityOf(block.header) });
}

export function aStateStamp(block: StampedBlock, key: string = practitionerRecordKey(anId(1))): StateStamp {
  return makeStateStamp(block.view, key, finalityOf(block.header));
}
