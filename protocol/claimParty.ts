/** Who signs the steps of a claim: a pharmacist of its pharmacy, an adjudicator of its insurer. */
import { authoriseOne, type Context, type Place } from './authorisation.ts';
import type { Id, MemberName } from './brand.ts';
import { claimRecord, readClaim, type Claim } from './claim.ts';
import { applied, type Applied, type RecordWrite } from './record.ts';
import { accepted, refused, type Result } from './result.ts';
import { pairSubject } from './settlement.ts';

export function pharmacistOf(member: MemberName): Place {
  return { member, memberRoles: ['pharmacy'], roles: ['pharmacist'], scope: null, id: null };
}

export function adjudicatorOf(member: MemberName): Place {
  return { member, memberRoles: ['insurer'], roles: ['adjudicator'], scope: null, id: null };
}

/** The claim, if a pharmacist of its pharmacy signed. Refusals: `claimUnknown`, those of `authorise`, `claimPartyWrong`. */
export function claimOfPharmacy(context: Context, claimId: Id): Result<Claim> {
  const claim = readClaim(context.state, claimId);
  if (claim === null) return refused('claimUnknown');
  const signer = authoriseOne(context, pharmacistOf(context.member));
  if (!signer.ok) return signer;
  return claim.pharmacy === context.member ? accepted(claim) : refused('claimPartyWrong');
}

/** The claim, if either side signed. Refusals as `claimOfPharmacy`. */
export function claimOfEither(context: Context, claimId: Id): Result<Claim> {
  const claim = readClaim(context.state, claimId);
  if (claim === null) return refused('claimUnknown');
  const { member } = context;
  const signer = authoriseOne(
    context,
    member === claim.insurer ? adjudicatorOf(member) : pharmacistOf(member),
  );
  if (!signer.ok) return signer;
  const isParty = member === claim.insurer || member === claim.pharmacy;
  return isParty ? accepted(claim) : refused('claimPartyWrong');
}

/** The claim written, and what else; under the prescription and the claim in the history. */
export function claimChanged(claim: Claim, writes: readonly RecordWrite[] = []): Applied {
  return applied([claim.rxId, claim.claimId], [claimRecord(claim), ...writes]);
}

/** The same, and under the pair: its entries are the lines of the pair's statements. */
export function claimSettled(claim: Claim, writes: readonly RecordWrite[]): Applied {
  return applied([claim.rxId, claim.claimId, pairSubject(claim)], [claimRecord(claim), ...writes]);
}
