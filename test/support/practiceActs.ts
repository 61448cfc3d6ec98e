/** Random commands of the naive model of who may sign (naivePractice.ts), and the transactions that say them. */
import * as fc from 'fast-check';
import type { Id } from '../../protocol/brand.ts';
import { aCancel, aDispense, aFillPlan, anIssue, aReserve, aReturn, aReview, dispensed } from './acts.ts';
import { at, dayMs, hourMs, idOf, keyOf, name, units, type Act, type World } from './domain.ts';
import { adminKeyOf, aMotion, aVoteOf } from './motions.ts';
import {
  cardName,
  people,
  practiceUnits,
  reserveMs,
  type Card,
  type Employer,
  type Office,
  type Person,
  type PracticeCommand,
  type PracticeOn,
} from './naivePractice.ts';
import { aReinstate, anAddKey, aRevokeKey, aRotateKey, aScope, aSuspend } from './people.ts';

const everybody = Object.keys(people) as readonly Person[];
const doctors: readonly Person[] = ['doctor', 'doctor', 'colleague', 'junior'];
const pharmacists: readonly Person[] = [
  'pharmacist',
  'pharmacist',
  'second pharmacist',
  'rival pharmacist',
  'doctor',
];
const reviewers: readonly Person[] = ['reviewer', 'doctor', 'pharmacist', 'reviewer', 'colleague'];
const employers: readonly Employer[] = ['hospital', 'pharmacy', 'rival-pharmacy', 'review-centre'];

const anybody = fc.constantFrom(...everybody);
const n = fc.nat(9);
/** Mostly the first: later ones are only known once somebody added them. */
const card = fc.constantFrom(0, 0, 0, 0, 0, 1, 1, 2, 3);
const cardOf = (who: fc.Arbitrary<Person>): fc.Arbitrary<Card> => fc.record({ who, card });
const oneOf = <const T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const bool = fc.boolean();
const rarely = oneOf(true, false, false, false);

/** Mostly the employer's. */
function officeOf(who: Person, draw: number): Office {
  if (draw === 0) return 'regulator';
  return draw === 1 ? 'review-centre' : people[who];
}

function viaOf({ who }: Card, draw: number): Employer {
  return draw === 0 ? (employers[who.length % employers.length] ?? 'hospital') : people[who];
}

const draw = fc.nat(7);

const issues: fc.Arbitrary<PracticeCommand> = fc
  .tuple(n, oneOf(...doctors), card, oneOf(...doctors, 'pharmacist'), rarely, fc.tuple(bool, bool, draw))
  .map(([number, prescriber, own, second, isControlled, [isReviewed, isAlone, other]]) => {
    const first = { who: other === 0 ? second : prescriber, card: own };
    const also = { who: isAlone ? prescriber : second, card: own === 0 ? 1 : 0 };
    const isTwo = other === 1 ? !isControlled : isControlled;
    return {
      kind: 'issue',
      n: number,
      prescriber,
      signers: isTwo ? [first, also] : [first],
      isControlled,
      isReviewed,
    };
  });

const reviews: fc.Arbitrary<PracticeCommand> = fc
  .tuple(n, cardOf(oneOf(...reviewers)), oneOf('approve', 'approve', 'approve', 'refuse', 'query'), draw)
  .map(([number, signer, outcome, other]) => {
    return { kind: 'review', n: number, signer, via: viaOf(signer, other), outcome };
  });

const fills: fc.Arbitrary<PracticeCommand> = fc
  .tuple(oneOf('reserve', 'reserve', 'reserve', 'reserve', 'return'), n, cardOf(oneOf(...pharmacists)), draw)
  .map(([kind, number, signer, other]) => ({ kind, n: number, signer, via: viaOf(signer, other) }));

const cancels: fc.Arbitrary<PracticeCommand> = fc
  .tuple(n, cardOf(oneOf(...doctors)), draw)
  .map(([number, signer, other]) => ({ kind: 'cancel', n: number, signer, via: viaOf(signer, other) }));

const supplies: fc.Arbitrary<PracticeCommand> = fc
  .tuple(
    n,
    cardOf(oneOf(...pharmacists)),
    oneOf(...pharmacists),
    rarely,
    draw,
    fc.tuple(fc.nat(5), oneOf(5, 10, 15)),
  )
  .map(([number, signer, second, isTwo, other, [event, count]]) => {
    const also = { who: second, card: signer.card === 0 && second === signer.who ? 1 : 0 };
    const isSame = cardName(also) === cardName(signer);
    const signers = isTwo && !isSame ? [signer, also] : [signer];
    return { kind: 'dispense', n: number, signers, via: viaOf(signer, other), event, units: count };
  });

const suspensions: fc.Arbitrary<PracticeCommand> = fc
  .tuple(
    oneOf('suspend', 'reinstate', 'reinstate', 'reinstate'),
    anybody,
    oneOf(null, 'ordinary', 'controlled'),
    draw,
  )
  .map(([kind, who, scope, other]) => ({ kind, who, scope, office: officeOf(who, other) }));

const scopes: fc.Arbitrary<PracticeCommand> = fc
  .tuple(anybody, rarely, oneOf(30 * dayMs, 30 * dayMs, 30 * dayMs, hourMs, 0), fc.tuple(bool, bool), draw)
  .map(([who, isNarrowed, ms, [isDoctor, isOrdinary], other]) => {
    const whole = { roles: ['doctor', 'pharmacist'], scopes: ['ordinary', 'controlled'] } as const;
    const narrow = {
      roles: isDoctor ? (['doctor'] as const) : (['pharmacist'] as const),
      scopes: isOrdinary ? (['ordinary'] as const) : [],
    };
    const offered = isNarrowed ? narrow : whole;
    return { kind: 'scope', who, ...offered, ms, office: officeOf(who, other) };
  });

const keyChanges: fc.Arbitrary<PracticeCommand> = fc
  .tuple(
    oneOf('addKey', 'addKey', 'rotate', 'revoke'),
    cardOf(anybody),
    fc.nat(4),
    oneOf(null, 0, dayMs, 30 * dayMs, -1),
    draw,
  )
  .map(([kind, from, to, agoMs, other]): PracticeCommand => {
    const office = officeOf(from.who, other);
    if (kind === 'addKey') return { kind, card: { who: from.who, card: to }, office };
    if (kind === 'revoke') return { kind, card: from, agoMs, office };
    return { kind, from, to: { who: from.who, card: to }, office };
  });

const commandArbitrary: fc.Arbitrary<PracticeCommand> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait'), ms: oneOf(1, hourMs, 6 * hourMs) }) },
  { weight: 14, arbitrary: issues },
  { weight: 16, arbitrary: reviews },
  { weight: 22, arbitrary: fills },
  { weight: 24, arbitrary: supplies },
  { weight: 2, arbitrary: cancels },
  { weight: 6, arbitrary: suspensions },
  { weight: 3, arbitrary: scopes },
  { weight: 4, arbitrary: keyChanges },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('vote'), isSuspension: bool }) },
);

export const practiceArbitrary: fc.Arbitrary<readonly PracticeCommand[]> = fc.array(commandArbitrary, {
  minLength: 100,
  maxLength: 140,
  size: 'max',
});

function rxIdOf(number: number): Id {
  return idOf(`prescription ${number}`);
}

const keysOf = (cards: readonly Card[]): readonly ReturnType<typeof keyOf>[] =>
  cards.map((one) => keyOf(cardName(one)));

/** What the command says, as the transactions that say it: one, but for a vote, which takes a motion and three approvals. */
export function practiceActs(
  world: World,
  command: Exclude<PracticeCommand, { readonly kind: 'wait' }>,
): readonly Act[] {
  switch (command.kind) {
    case 'issue':
      return [issueOf(world, command)];
    case 'review': {
      const body = { rxId: rxIdOf(command.n), outcome: command.outcome };
      return [aReview({ member: name(command.via), keys: keysOf([command.signer]), body })];
    }
    case 'reserve':
    case 'return':
    case 'cancel':
      return [onFill(world, command)];
    case 'dispense': {
      const { event, signers, via } = command;
      const items = [dispensed(0, command.units)];
      const body = { rxId: rxIdOf(command.n), eventId: idOf(`event ${event}`), items };
      return [aDispense({ member: name(via), keys: keysOf(signers), body })];
    }
    case 'vote': {
      const change = command.isSuspension ? 'suspend' : 'reinstate';
      const motionId = idOf(`motion at ${world.records.size} ${world.timeMs} ${change}`);
      const motion = aMotion({ body: { motionId, change, member: name('review-centre') } });
      const voters = ['hospital', 'pharmacy', 'insurer'];
      return [motion, ...voters.map((voter) => aVoteOf(name(voter), { body: { motionId } }))];
    }
    case 'suspend':
    case 'reinstate':
    case 'scope':
    case 'addKey':
    case 'rotate':
    case 'revoke':
      return [byOffice(world, command)];
    default:
      return command satisfies never;
  }
}

function issueOf(world: World, command: PracticeOn<'issue'>): Act {
  const { n: number, prescriber, signers, isControlled, isReviewed } = command;
  const rxId = rxIdOf(number);
  const end = at(world.timeMs + 80 * dayMs);
  const item = { itemId: 0, units: units(practiceUnits), repeats: 0, intervalDays: 0 };
  return anIssue({
    keys: keysOf(signers),
    body: {
      rxId,
      prescriber: idOf(prescriber),
      class: isControlled ? 'controlled' : 'ordinary',
      authoredOn: world.timeMs,
      validUntil: end,
      items: [{ ...item, substitutionAllowed: false, validUntil: null }],
      fills: [aFillPlan(rxId, 0, { start: world.timeMs, end })],
      reviewRequired: isReviewed,
    },
  });
}

function onFill(world: World, command: PracticeOn<'reserve' | 'return' | 'cancel'>): Act {
  const { kind, signer, via } = command;
  const rxId = rxIdOf(command.n);
  const by = { member: name(via), keys: keysOf([signer]) };
  if (kind === 'cancel') return aCancel({ ...by, body: { rxId } });
  if (kind === 'return') return aReturn({ ...by, body: { rxId } });
  const keys = [...by.keys, keyOf('redeem 0')];
  const body = { rxId, pharmacy: by.member, until: at(world.timeMs + reserveMs) };
  return aReserve({ member: by.member, keys, body });
}

/** Signed by the administrator, and a new key by itself. */
function byOffice(
  world: World,
  command: PracticeOn<'suspend' | 'reinstate' | 'scope' | 'addKey' | 'rotate' | 'revoke'>,
): Act {
  const { kind } = command;
  const member = name(command.office);
  const keys = [adminKeyOf(member)];
  switch (kind) {
    case 'suspend':
    case 'reinstate': {
      const act = { member, keys, body: { practitionerId: idOf(command.who), scope: command.scope } };
      return kind === 'suspend' ? aSuspend(act) : aReinstate(act);
    }
    case 'scope': {
      const { who, roles, scopes: own, ms } = command;
      const body = { practitionerId: idOf(who), roles, scopes: own, validUntil: at(world.timeMs + ms) };
      return aScope({ member, keys, body });
    }
    case 'addKey': {
      const key = keyOf(cardName(command.card));
      const body = { practitionerId: idOf(command.card.who), key };
      return anAddKey({ member, keys: [...keys, key], body });
    }
    case 'rotate': {
      const newKey = keyOf(cardName(command.to));
      return aRotateKey({
        member,
        keys: [...keys, newKey],
        body: { key: keyOf(cardName(command.from)), newKey },
      });
    }
    case 'revoke': {
      const compromisedSince = command.agoMs === null ? null : at(world.timeMs - command.agoMs);
      return aRevokeKey({ member, keys, body: { key: keyOf(cardName(command.card)), compromisedSince } });
    }
    default:
      return kind satisfies never;
  }
}
