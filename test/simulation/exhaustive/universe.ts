/**
 * Everything that could be said in a few views of four voters, of whom one is dishonest, leads every view and has signed all of it.
 * A statement is a bit: PREPARE and COMMIT of each block, SKIP of each view. The certificate of a statement has the same bit.
 */
import type { Block } from '../../../protocol/block.ts';
import type { Digest, Verified, View, VoterIndex } from '../../../protocol/brand.ts';
import { makeCertificate, type Certificate } from '../../../protocol/certificate.ts';
import type { VoterSet } from '../../../protocol/member.ts';
import type { Proposal } from '../../../protocol/proposal.ts';
import type { VoteKind } from '../../../protocol/vote.ts';
import { digestOf } from '../../../consensus/chain.ts';
import { chainId, draftBlock, hexOf, signProposal, signVote, votersOf } from '../model.ts';

export const voterCount = 4;
export const voters: VoterSet = votersOf(voterCount);
/** The dishonest voter. */
export const leader: VoterIndex = 0 as VoterIndex;

interface Statement {
  readonly kind: VoteKind;
  readonly view: View;
  readonly digest: Digest | null;
  readonly certificate: Verified<Certificate>;
}

export interface Universe {
  readonly viewCount: number;
  readonly blocks: readonly Block[];
  readonly blockOf: ReadonlyMap<Digest, Block>;
  /** By bit. */
  readonly statements: readonly Statement[];
  /** By bit: statements that no certificate may exist of at the same time. */
  readonly conflicts: readonly number[];
  readonly bitOf: (kind: VoteKind, view: number, digest: Digest | null) => number;
}

/** `variants`: for each view, how many blocks the leader makes on each parent; every block of a lower view is a parent, and so is genesis. */
export function createUniverse(variants: readonly number[]): Universe {
  const blocks = createBlocks(variants);
  const blockOf = new Map(blocks.map((block) => [digestOf(block), block]));
  const statements = [
    ...blocks.map((block) => statementOf('prepare', block.header.view, digestOf(block))),
    ...blocks.map((block) => statementOf('commit', block.header.view, digestOf(block))),
    ...variants.map((_unused, index) => statementOf('skip', (index + 1) as View, null)),
  ];
  const bits = new Map(statements.map(({ kind, view, digest }, bit) => [`${kind} ${view} ${digest}`, bit]));
  const isAncestor = (old: Digest | null, young: Digest | null): boolean => {
    let block = young === null ? undefined : blockOf.get(young);
    while (block !== undefined && digestOf(block) !== old) block = blockOf.get(block.header.parentDigest);
    return block !== undefined;
  };
  return {
    viewCount: variants.length,
    blocks,
    blockOf,
    statements,
    conflicts: statements.map((one) =>
      maskOf(
        statements,
        (other) => areInConflict(one, other, isAncestor) || areInConflict(other, one, isAncestor),
      ),
    ),
    bitOf: (kind, view, digest) => bits.get(`${kind} ${view} ${digest}`) ?? -1,
  };
}

function createBlocks(variants: readonly number[]): readonly Block[] {
  const blocks: Block[] = [];
  for (const [index, variantCount] of variants.entries()) {
    const parents = [null, ...blocks];
    for (const parent of parents) {
      for (let variant = 0; variant < variantCount; variant += 1) {
        const header = parent?.header ?? { view: 0, height: 0, timeMs: 0 };
        const digest = parent === null ? chainId : digestOf(parent);
        const timeMs = header.timeMs + 1 + variant;
        const place = { view: index + 1, proposer: leader, parent: { ...header, digest }, timeMs };
        blocks.push(draftBlock({ ...place, batchDigests: [], stateRoot: hexOf(0), voters }));
      }
    }
  }
  return blocks;
}

function statementOf(kind: VoteKind, view: View, digest: Digest | null): Statement {
  const votes = [0, 1, 2].map((voter) =>
    signVote({ kind, epoch: voters.epoch, view, digest }, voter as VoterIndex),
  );
  return { kind, view, digest, certificate: makeCertificate(votes, voterCount) as Verified<Certificate> };
}

function maskOf(statements: readonly Statement[], isIn: (statement: Statement) => boolean): number {
  return statements.reduce((mask, statement, bit) => (isIn(statement) ? mask | (1 << bit) : mask), 0);
}

/** Two PCs in a view; CC and SC of a view; a later PC, or another CC, that does not extend a CC. */
function areInConflict(
  one: Statement,
  other: Statement,
  isAncestor: (old: Digest | null, young: Digest | null) => boolean,
): boolean {
  if (one.kind === 'prepare' && other.kind === 'prepare')
    return one.view === other.view && one.digest !== other.digest;
  if (one.kind !== 'commit') return false;
  if (other.kind === 'skip') return one.view === other.view;
  return other.view >= one.view && !isAncestor(one.digest, other.digest);
}

export function proposalOf(block: Block, certificates: readonly Certificate[]): Verified<Proposal> {
  const parent = certificates.find(({ kind }) => kind !== 'skip') ?? null;
  const skips = certificates.filter(({ kind }) => kind === 'skip');
  return signProposal(block, { parent, skips });
}
