/** Counting votes: per view and voter one slot for each kind, so a peer can fill its own slots and no more. */
import type { Verified, VoterIndex } from '../protocol/brand.ts';
import { makeCertificate, quorumSize, type Certificate } from '../protocol/certificate.ts';
import { invariant, present } from '../protocol/invariant.ts';
import type { Vote, VoteKind } from '../protocol/vote.ts';

type Slots = ReadonlyMap<VoterIndex, Verified<Vote>>;

export type Tally = Readonly<Record<VoteKind, Slots>>;

const noSlots: Slots = new Map();
export const emptyTally: Tally = { prepare: noSlots, commit: noSlots, skip: noSlots };

/** The same tally if the voter's slot is taken: the first vote counts, a second one is its equivocation. */
export function withVote(tally: Tally, vote: Verified<Vote>): Tally {
  const slots = tally[vote.kind];
  if (slots.has(vote.voter)) return tally;
  return { ...tally, [vote.kind]: new Map(slots).set(vote.voter, vote) };
}

/** Of a view that was left only COMMITs still matter: a late CC makes its block final. Null if there are none. */
export function commitsOnly(tally: Tally): Tally | null {
  if (tally.commit.size === 0) return null;
  const isStripped = tally.prepare.size === 0 && tally.skip.size === 0;
  return isStripped ? tally : { prepare: noSlots, commit: tally.commit, skip: noSlots };
}

/** The certificate that `vote` completes, or null while fewer than q voters said the same. */
export function certificateWith(tally: Tally, vote: Vote, voterCount: number): Verified<Certificate> | null {
  const same = [...tally[vote.kind].values()].filter((other) => other.digest === vote.digest);
  if (same.length < quorumSize(voterCount)) return null;
  const certificate = present(makeCertificate(same, voterCount), 'a quorum of votes makes a certificate');
  invariant(certificate.signatures.length === quorumSize(voterCount), 'a certificate has q signatures');
  // Every vote in it was verified, so it is.
  return certificate as Verified<Certificate>;
}
