/** Voters that change in the model: what the state holds of them, and what a schedule must keep over the epochs. */
import { closingOf, type Block } from '../../protocol/block.ts';
import type { Digest, Epoch, MemberName, View, VoterIndex } from '../../protocol/brand.ts';
import { voterSetHash, type VoterSet } from '../../protocol/member.ts';
import type { SignedKind } from '../../protocol/vote.ts';
import { digestOf } from '../../consensus/chain.ts';
import type { SafetyRecord } from '../../consensus/record.ts';
import { check, startChecks, type Checks } from './checks.ts';
import { hexOf, rootAfter, voterOf } from './model.ts';

/** What executing a block changes. */
export interface LedgerState {
  readonly root: Digest;
  /** Of the epoch that the next block belongs to. */
  readonly voters: VoterSet;
  /** Decided, and waiting for a closing block. */
  readonly pending: VoterSet | null;
}

/** Batches that are votes for a change: the machines that vote from the next epoch on. */
export type Decisions = ReadonlyMap<Digest, readonly number[]>;

export function genesisState(voters: VoterSet): LedgerState {
  return { root: hexOf(0), voters, pending: null };
}

/** As `executeBlock`: the waiting set first, then the batches; while one waits, no other is decided upon. */
export function stateAfter(before: LedgerState, block: Block, decisions: Decisions): LedgerState {
  if (block.header.extensionOf !== null) return before;
  const voters = before.pending ?? before.voters;
  let pending: VoterSet | null = null;
  for (const batch of block.batchDigests) {
    const decision = decisions.get(batch);
    if (decision === undefined || pending !== null) continue;
    pending = { epoch: (voters.epoch + 1) as Epoch, voters: decision.map(voterOf) };
  }
  return { root: rootAfter(before.root, block.batchDigests), voters, pending };
}

interface EpochStatement {
  readonly voter: VoterIndex;
  readonly kind: SignedKind;
  readonly epoch: Epoch;
  readonly view: View;
  readonly digest: Digest | null;
}

/** The machine that said something. */
interface Speaker {
  readonly index: number;
  readonly name: MemberName;
  readonly isHonest: boolean;
}

/** The checks of each epoch by itself, and those of the one chain over all of them. */
export interface EpochChecks {
  readonly onSigned: (statement: EpochStatement, from: Speaker) => void;
  readonly onBlock: (block: Block) => void;
  readonly blockOf: (digest: Digest) => Block | null;
  readonly onFinal: (block: Block) => void;
  /** A machine began an epoch, perhaps before an honest one wrote the block that closed the last. */
  readonly onEpoch: (voters: VoterSet) => void;
  readonly finalHeightMax: () => number;
  readonly newestVoters: () => VoterSet;
  /** Null for an epoch that nobody has begun. */
  readonly votersOf: (epoch: Epoch) => VoterSet | null;
}

interface Context {
  /** What stands at height 0: the chain id. */
  readonly genesis: Digest;
  readonly genesisVoters: VoterSet;
  readonly quorumOf: (voterCount: number) => number;
  /** Machine whose safety log was lost: it may begin in an earlier epoch again (W6). */
  readonly hasForgotten: (index: number) => boolean;
  /** How many honest voters of the block's epoch hold every batch of it. */
  readonly holderCount: (block: Block, voters: VoterSet) => number;
}

export function startEpochChecks(context: Context): EpochChecks {
  const sets = new Map<Epoch, VoterSet>([[context.genesisVoters.epoch, context.genesisVoters]]);
  const checks = new Map<Epoch, Checks>();
  const blocks = new Map<Digest, Block>();
  const finals: { readonly digest: Digest; readonly block: Block | null }[] = [
    { digest: context.genesis, block: null },
  ];
  const lastEpoch = new Map<number, Epoch>();

  const votersOfEpoch = (epoch: Epoch): VoterSet => {
    const voters = sets.get(epoch);
    check(voters !== undefined, `epoch ${epoch} has begun, and no final block closed the one before`);
    return voters;
  };
  const onEpoch = (voters: VoterSet): void => {
    const known = sets.get(voters.epoch);
    const isSame = known === undefined || voterSetHash(known) === voterSetHash(voters);
    check(isSame, `two sets of voters for epoch ${voters.epoch}`);
    sets.set(voters.epoch, voters);
  };
  const checksOf = (epoch: Epoch): Checks => {
    const known = checks.get(epoch);
    if (known !== undefined) return known;
    const voters = votersOfEpoch(epoch);
    const voterCount = voters.voters.length;
    const made = startChecks({
      genesis: context.genesis,
      voterCount,
      quorum: context.quorumOf(voterCount),
      holderCount: (block) => context.holderCount(block, voters),
    });
    checks.set(epoch, made);
    return made;
  };

  return {
    onSigned: (statement, from) => {
      const { epoch, voter } = statement;
      const { index, isHonest } = from;
      const name = votersOfEpoch(epoch).voters[voter]?.name;
      check(name === from.name, `machine ${index} signs as somebody else in epoch ${epoch}`);
      const before = lastEpoch.get(index) ?? epoch;
      const mayGoBack = !isHonest || context.hasForgotten(index);
      check(mayGoBack || epoch >= before, `machine ${index} went back to epoch ${epoch}`);
      lastEpoch.set(index, epoch);
      checksOf(epoch).onSigned(statement, isHonest);
    },
    onBlock: (block) => {
      blocks.set(digestOf(block), block);
      checksOf(block.header.epoch).onBlock(block);
    },
    blockOf: (digest) => blocks.get(digest) ?? null,
    onFinal: (block) => {
      const { height, epoch, nextVoterSet, extensionOf } = block.header;
      const digest = digestOf(block);
      const parent = finals[height - 1];
      check(parent !== undefined, `height ${height} became final before the one below it`);
      check(
        finals[height]?.digest === undefined || finals[height].digest === digest,
        `agreement: two final blocks at height ${height}`,
      );
      check(
        block.header.parentDigest === parent.digest,
        `height ${height} does not stand on the final block below it`,
      );
      check(extensionOf === null, 'an extension is in a ledger');
      const closed = parent.block === null ? null : closingOf(parent.block.header, parent.digest);
      const expected = parent.block === null ? 1 : parent.block.header.epoch + (closed === null ? 0 : 1);
      check(epoch === expected, `height ${height} is of epoch ${epoch} in place of ${expected}`);
      if (nextVoterSet !== null) onEpoch(nextVoterSet);
      finals[height] = { digest, block };
    },
    onEpoch,
    finalHeightMax: () => finals.length - 1,
    votersOf: (epoch) => sets.get(epoch) ?? null,
    newestVoters: () => votersOfEpoch(Math.max(...sets.keys()) as Epoch),
  };
}

export function epochOfRecord(record: SafetyRecord): Epoch {
  switch (record.kind) {
    case 'vote':
      return record.vote.epoch;
    case 'certificate':
      return record.certificate.epoch;
    case 'memory':
      return record.epoch;
    case 'proposal':
      return record.proposal.block.header.epoch;
    case 'block':
      return record.block.header.epoch;
    default:
      return record satisfies never;
  }
}
