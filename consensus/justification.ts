/** R2 (consensus/README.md): the right parent for a view, and the certificates that prove it. */
import type { Digest, Verified, View } from '../protocol/brand.ts';
import type { Certificate } from '../protocol/certificate.ts';
import { invariant, present } from '../protocol/invariant.ts';
import { skipCertificatesInProposalMax } from '../protocol/limits.ts';
import type { Justification, Proposal } from '../protocol/proposal.ts';
import type { ReplicaState } from './state.ts';

export interface ParentFound {
  readonly kind: 'found';
  readonly view: View;
  readonly digest: Digest;
}

export type ParentSearch =
  | ParentFound
  /** Neither PC nor SC of this view is held, so the parent cannot be known. */
  | { readonly kind: 'missing'; readonly view: View };

/** The block of the highest view below `view` that is prepared, every view between being skipped. */
export function parentFor(state: ReplicaState, view: View): ParentSearch {
  for (let below = view - 1; below > state.final.view; below -= 1) {
    const certificate = state.prepared.get(below as View);
    if (certificate !== undefined) {
      const digest = present(certificate.digest, 'PC and CC name a block');
      return { kind: 'found', view: certificate.view, digest };
    }
    if (!state.skipped.has(below as View)) return { kind: 'missing', view: below as View };
  }
  return { kind: 'found', view: state.final.view, digest: state.final.digest };
}

/** Proof that `parentView` is the right parent of a block of `view`; null if a certificate is not held (any more). */
export function justify(state: ReplicaState, parentView: View, view: View): Justification | null {
  const isFinal = parentView === state.final.view;
  const parent = isFinal ? state.final.certificate : (state.prepared.get(parentView) ?? null);
  if (parent === null && parentView !== 0) return null;
  if (firstUncovered(state, parentView, view) !== null) return null;
  const count = view - parentView - 1;
  invariant(count >= 0, 'R2: a parent is of a lower view');
  if (count > skipCertificatesInProposalMax) return { parent, skips: [] };
  const skips: Certificate[] = [];
  for (let between = parentView + 1; between < view; between += 1) {
    skips.push(present(state.skipped.get(between as View), 'R2: a covered view has an SC'));
  }
  return { parent, skips };
}

/** The lowest view between parent and block whose SC we do not hold; null if all are held. */
export function firstUncovered(state: ReplicaState, parentView: View, view: View): View | null {
  for (let between = parentView + 1; between < view; between += 1) {
    if (!state.skipped.has(between as View)) return between as View;
  }
  return null;
}

/** The certificates of a verified proposal, which were verified with it. */
export function certificatesOf(proposal: Verified<Proposal>): readonly Verified<Certificate>[] {
  const { parent, skips } = proposal.justification;
  return (parent === null ? skips : [parent, ...skips]) as readonly Verified<Certificate>[];
}

/** R3: the certificate of the parent is there, and is of the parent; only the block the epoch starts on needs none. */
export function isParentProven(proposal: Proposal): boolean {
  const { parent } = proposal.justification;
  const { parentView, parentDigest } = proposal.block.header;
  if (parent === null) return parentView === 0;
  return parent.kind !== 'skip' && parent.view === parentView && parent.digest === parentDigest;
}
