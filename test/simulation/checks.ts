/** What every schedule must keep: CONSENSUS rules §10 as far as they apply to one epoch, checked as things happen. */
import { digestOf } from '../../consensus/chain.ts';
import type { SafetyRecord } from '../../consensus/record.ts';
import type { ReplicaState } from '../../consensus/replica.ts';
import type { Block } from '../../protocol/block.ts';
import type { Digest, View, VoterIndex } from '../../protocol/brand.ts';
import { faultyMax } from '../../protocol/certificate.ts';
import { headersPerAnswerMax, viewsAheadMax } from '../../protocol/limits.ts';
import type { SignedKind } from '../../protocol/vote.ts';

class Violation extends Error {
  override readonly name = 'Violation';
}

export function check(claim: boolean, message: string): asserts claim {
  if (!claim) throw new Violation(message);
}

interface Statement {
  readonly voter: VoterIndex;
  readonly kind: SignedKind;
  readonly view: View;
  readonly digest: Digest | null;
}

export interface Checks {
  /** A statement left a machine, for the first time or again. */
  readonly onSigned: (statement: Statement, isHonest: boolean) => void;
  readonly hasSigned: (statement: Statement) => boolean;
  readonly onBlock: (block: Block) => void;
  readonly blockOf: (digest: Digest) => Block | null;
  readonly digestOf: (block: Block) => Digest;
  readonly onFinal: (block: Block) => void;
  readonly finalHeightMax: () => number;
}

const rank: Readonly<Record<SignedKind, number>> = { propose: 1, prepare: 2, commit: 3, skip: 3 };

interface Context {
  /** What stands at height 0: the chain id. */
  readonly genesis: Digest;
  readonly voterCount: number;
  readonly quorum: number;
  /** How many honest disks hold every batch of the block. */
  readonly holderCount: (block: Block) => number;
}

/** Everything that any machine signed, any block that was proposed, and the one final chain. */
export function startChecks(context: Context): Checks {
  const signed = new Set<string>();
  const signerCounts = new Map<string, number>();
  const last = new Map<VoterIndex, Statement>();
  const byView = new Map<string, Digest | null>();
  const blocks = new Map<Digest, Block>();
  const finals: Digest[] = [context.genesis];
  const certified = {
    prepare: new Map<View, Digest>(),
    commit: new Map<View, Digest>(),
    skip: new Set<View>(),
  };

  const onHonest = (statement: Statement): void => {
    const { voter, kind, view, digest } = statement;
    const slot = kind === 'commit' || kind === 'skip' ? 'end' : kind;
    const key = `${voter} ${slot} ${view}`;
    const before = byView.get(key);
    check(
      before === undefined || before === digest,
      `voter ${voter} said two things: ${slot} in view ${view}`,
    );
    byView.set(key, digest);
    const previous = last.get(voter);
    const isRising =
      previous === undefined ||
      view > previous.view ||
      (view === previous.view && rank[kind] > rank[previous.kind]);
    check(isRising, `voter ${voter} went back to ${kind} in view ${view}`);
    last.set(voter, statement);
  };

  const extendsCommit = (prepared: Digest, commit: Digest, view: View): boolean => {
    let block = blocks.get(prepared);
    while (block !== undefined && block.header.view > view) block = blocks.get(block.header.parentDigest);
    return block !== undefined && digestOf(block) === commit;
  };

  const onCertified = ({ kind, view, digest }: Statement): void => {
    if (kind === 'skip') certified.skip.add(view);
    if (kind === 'prepare' && digest !== null) {
      const other = certified.prepare.get(view);
      check(other === undefined || other === digest, `two PCs in view ${view}`);
      certified.prepare.set(view, digest);
      const block = blocks.get(digest);
      check(block !== undefined, `a PC of a block that nobody proposed in view ${view}`);
      const enough = context.holderCount(block) >= faultyMax(context.voterCount) + 1;
      check(enough, `batches of the block of view ${view} are on too few disks`);
      for (const [below, commit] of certified.commit) {
        check(
          below >= view || extendsCommit(digest, commit, below),
          `PC(${view}) does not extend CC(${below})`,
        );
      }
    }
    if (kind === 'commit' && digest !== null) {
      certified.commit.set(view, digest);
      check(certified.prepare.get(view) === digest, `a CC without its PC in view ${view}`);
      for (const [above, prepared] of certified.prepare) {
        check(
          above <= view || extendsCommit(prepared, digest, view),
          `PC(${above}) does not extend CC(${view})`,
        );
      }
    }
    const isBoth = certified.skip.has(view) && certified.commit.has(view);
    check(!isBoth, `CC and SC in view ${view}`);
  };

  return {
    onSigned: (statement, isHonest) => {
      const key = keyOf(statement);
      if (signed.has(key)) return;
      if (isHonest) onHonest(statement);
      signed.add(key);
      const group = `${statement.kind} ${statement.view} ${statement.digest}`;
      const count = (signerCounts.get(group) ?? 0) + 1;
      signerCounts.set(group, count);
      if (count === context.quorum) onCertified(statement);
    },
    hasSigned: (statement) => signed.has(keyOf(statement)),
    onBlock: (block) => {
      blocks.set(digestOf(block), block);
    },
    blockOf: (digest) => blocks.get(digest) ?? null,
    digestOf,
    onFinal: (block) => {
      const { height } = block.header;
      const other = finals[height];
      check(height <= finals.length, `height ${height} became final before the one below it`);
      const digest = digestOf(block);
      check(other === undefined || other === digest, `agreement: two final blocks at height ${height}`);
      finals[height] = digest;
    },
    finalHeightMax: () => finals.length - 1,
  };
}

function keyOf({ voter, kind, view, digest }: Statement): string {
  return `${voter} ${kind} ${view} ${digest}`;
}

/** Memory is bounded whatever peers send. */
export function checkBounds(state: ReplicaState): void {
  const ahead = state.view + viewsAheadMax;
  check(state.proposals.size <= viewsAheadMax + 1, 'too many proposals are held');
  check(state.candidates.size <= headersPerAnswerMax, 'too many candidates are held');
  const liveViewCount = ahead - state.final.view;
  check(state.votes.size <= liveViewCount, 'too many tallies are held');
  check(state.prepared.size + state.skipped.size <= 2 * liveViewCount, 'too many certificates are held');
}

/** W5: what the log gives back is what was there when nothing was lost. */
export function checkReplay(before: ReplicaState, after: ReplicaState): void {
  check(after.view === before.view, `replay gives view ${after.view} in place of ${before.view}`);
  if (before.signed.view > before.final.view) {
    const isSame =
      after.signed.view === before.signed.view && rank[after.signed.kind] === rank[before.signed.kind];
    check(isSame, 'replay forgets what was signed');
  }
  const isAbove = (view: View): boolean => view > before.final.view;
  for (const name of ['prepared', 'skipped'] as const) {
    const keysBefore = [...before[name].keys()].filter(isAbove).toSorted((a, b) => a - b);
    const keysAfter = [...after[name].keys()].filter(isAbove).toSorted((a, b) => a - b);
    check(keysBefore.join() === keysAfter.join(), `replay gives other views of ${name}`);
  }
  // The log may hold one more: cast in the last step, and not given back yet.
  const isKept = [...before.ownCommits.keys()].every((view) => after.ownCommits.has(view));
  check(isKept, 'replay forgets a COMMIT');
}

export function viewOfRecord(record: SafetyRecord): View {
  if (record.kind === 'vote') return record.vote.view;
  if (record.kind === 'certificate') return record.certificate.view;
  if (record.kind === 'memory') return record.view;
  const block = record.kind === 'block' ? record.block : record.proposal.block;
  return block.header.view;
}
