/** The refusals that no call can meet, why, and where they are met instead. */
import type { RefusalCode } from '../../../../protocol/refusal.ts';

export interface BeyondCalls {
  readonly code: RefusalCode;
  readonly why: string;
  /** From test/, each of which names the code. */
  readonly tests: readonly string[];
}

const betweenVoters = 'it answers a vote, proposal or certificate of another node, not a call';
const betweenNodes = 'it answers a batch or block of another node, not a call';
const offline = 'it is found by whoever checks a stamp, without a node';

export const beyondCalls: readonly BeyondCalls[] = [
  {
    code: 'wrongEpoch',
    why: betweenVoters,
    tests: ['unit/protocol/vote.test.ts', 'unit/protocol/proposal.test.ts'],
  },
  {
    code: 'certificateInvalid',
    why: betweenVoters,
    tests: ['unit/protocol/certificate.test.ts', 'security/cluster/members.test.ts'],
  },
  { code: 'batchUnknown', why: betweenNodes, tests: ['unit/node/executor.test.ts'] },
  {
    code: 'batchInvalid',
    why: betweenNodes,
    tests: ['unit/node/gate.test.ts', 'unit/protocol/lane.test.ts'],
  },
  {
    code: 'headerInvalid',
    why: betweenNodes,
    tests: ['unit/node/gate.test.ts', 'unit/node/executor.test.ts'],
  },
  {
    code: 'proofInvalid',
    why: offline,
    tests: ['unit/protocol/stamp.test.ts', 'unit/protocol/stateStamp.test.ts'],
  },
  {
    code: 'snapshotInvalid',
    why: 'it answers the snapshot of another node',
    tests: ['unit/protocol/snapshot.test.ts'],
  },
  {
    code: 'snapshotUnknown',
    why: 'it answers a node that asks another one for a snapshot',
    tests: ['integration/node/snapshot.test.ts', 'unit/node/snapshotDownload.test.ts'],
  },
];
