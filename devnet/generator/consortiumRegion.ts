/** A consortium as a region of the generator: the houses are its members in their order, the people are its cast. */
import { signerFromSeed } from '../../node/ed25519.ts';
import type { MemberName } from '../../protocol/brand.ts';
import type { MemberRole } from '../../protocol/member.ts';
import type { PractitionerRole } from '../../protocol/practitioner.ts';
import type { CastMember, Consortium } from '../cast.ts';
import { weightOf, type Person, type Region } from './region.ts';

/** Of what somebody works at a member; everybody in this role, in the order of the cast. */
type Staff = (role: PractitionerRole) => readonly [Person, ...Person[]];

type Found<T> = (house: { readonly name: MemberName; readonly weight: number }, staff: Staff) => T;

export function regionOf({ genesis, chainId, members }: Consortium): Region {
  const houses = <T>(role: MemberRole, found: Found<T>): readonly T[] =>
    members
      .filter(({ member }) => member.roles.includes(role))
      .map((member, index) => found({ name: member.name, weight: weightOf(index) }, staffOf(member)));
  return {
    genesis,
    chainId,
    hospitals: houses('hospital', (house, staff) => ({
      ...house,
      doctors: staff('doctor'),
      reviewers: staff('pharmacist'),
    })),
    pharmacies: houses('pharmacy', (house, staff) => ({
      ...house,
      pharmacists: staff('pharmacist'),
      accountant: staff('accountant')[0],
    })),
    insurers: houses('insurer', (house, staff) => ({
      ...house,
      adjudicator: staff('adjudicator')[0],
      accountant: staff('accountant')[0],
    })),
    couriers: houses('courier', (house, staff) => ({ ...house, riders: staff('courier') })),
  };
}

function staffOf({ name, practitioners }: CastMember): Staff {
  return (role) => {
    const persons = practitioners.filter(({ practitioner }) => practitioner.roles.includes(role));
    const [first, ...others] = persons.map(personOf);
    if (first === undefined) throw new Error(`nobody at ${name} is ${role}`);
    return [first, ...others];
  };
}

function personOf({ practitioner, keys }: CastMember['practitioners'][number]): Person {
  const [first, ...others] = keys.map(({ seed }) => signerFromSeed(seed));
  if (first === undefined) throw new Error('everybody in the cast has a key');
  return { id: practitioner.id, member: practitioner.member, signers: [first, ...others] };
}
