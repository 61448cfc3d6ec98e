/**
 * A naive model of who may sign, written from domain.md alone: people with their roles, scopes, suspensions and keys, and as much of
 * prescriptions as their acts need. Nothing is shared with the code that it judges.
 */

export const people = {
  doctor: 'hospital',
  colleague: 'hospital',
  junior: 'hospital',
  reviewer: 'review-centre',
  pharmacist: 'pharmacy',
  'second pharmacist': 'pharmacy',
  'rival pharmacist': 'rival-pharmacy',
} as const;
export type Person = keyof typeof people;
export type Employer = (typeof people)[Person];
/** Whoever an administrator acts for. */
export type Office = Employer | 'regulator';
type Role = 'doctor' | 'pharmacist';
type Scope = 'ordinary' | 'controlled';

/** Card 0 is the key that the person has from the beginning; nobody has used the others yet. */
export interface Card {
  readonly who: Person;
  readonly card: number;
}

export type PracticeCommand =
  | { readonly kind: 'wait'; readonly ms: number }
  | {
      readonly kind: 'issue';
      readonly n: number;
      readonly prescriber: Person;
      readonly signers: readonly Card[];
      readonly isControlled: boolean;
      readonly isReviewed: boolean;
    }
  | {
      readonly kind: 'review';
      readonly n: number;
      readonly signer: Card;
      readonly via: Employer;
      readonly outcome: 'approve' | 'refuse' | 'query';
    }
  | {
      readonly kind: 'reserve' | 'return' | 'cancel';
      readonly n: number;
      readonly signer: Card;
      readonly via: Employer;
    }
  | {
      readonly kind: 'dispense';
      readonly n: number;
      readonly signers: readonly Card[];
      readonly via: Employer;
      readonly event: number;
      readonly units: number;
    }
  | {
      readonly kind: 'suspend' | 'reinstate';
      readonly who: Person;
      readonly scope: Scope | null;
      readonly office: Office;
    }
  | {
      readonly kind: 'scope';
      readonly who: Person;
      readonly roles: readonly Role[];
      readonly scopes: readonly Scope[];
      readonly ms: number;
      readonly office: Office;
    }
  | { readonly kind: 'addKey'; readonly card: Card; readonly office: Office }
  | { readonly kind: 'rotate'; readonly from: Card; readonly to: Card; readonly office: Office }
  | { readonly kind: 'revoke'; readonly card: Card; readonly agoMs: number | null; readonly office: Office }
  /** The voters suspend the review centre, or take it back. */
  | { readonly kind: 'vote'; readonly isSuspension: boolean };

export type PracticeOn<K extends PracticeCommand['kind']> = PracticeCommand & { readonly kind: K };

interface NaivePerson {
  roles: readonly Role[];
  scopes: readonly Scope[];
  untilMs: number;
  closed: { readonly by: 'employer' | 'regulator'; readonly scope: Scope | null }[];
}

interface NaiveKey {
  readonly who: Person;
  isInForce: boolean;
  compromisedMs: number | null;
}

interface NaivePrescription {
  readonly prescriber: Person;
  readonly signedBy: readonly string[];
  readonly issuedMs: number;
  readonly isControlled: boolean;
  review: 'pending' | 'done' | 'refused';
  reviewer: Person | null;
  holder: { readonly member: Employer; readonly untilMs: number } | null;
  isCancelled: boolean;
  supplied: number;
  readonly events: Set<number>;
}

interface Practice {
  now: number;
  readonly persons: Map<Person, NaivePerson>;
  readonly keys: Map<string, NaiveKey>;
  readonly prescriptions: Map<number, NaivePrescription>;
  readonly suspendedMembers: Set<string>;
}

export interface NaivePractice {
  /** Whether the act is accepted; if so, it has taken place. */
  readonly apply: (command: PracticeCommand) => boolean;
}

export const practiceUnits = 30;
export const reserveMs = 43_200_000;
const dayMs = 86_400_000;
const keysInForceMax = 4;

const memberRoles: Readonly<Record<Office, readonly string[]>> = {
  // With a pharmacy of its own: else nobody could try to dispense what they prescribed.
  hospital: ['hospital', 'pharmacy'],
  pharmacy: ['pharmacy'],
  'rival-pharmacy': ['pharmacy'],
  'review-centre': ['reviewCentre'],
  regulator: ['regulator'],
};

export function cardName({ who, card }: Card): string {
  return card === 0 ? who : `${who} card ${card}`;
}

export function naivePractice(startMs: number): NaivePractice {
  const practice: Practice = {
    now: startMs,
    persons: new Map(),
    keys: new Map(),
    prescriptions: new Map(),
    suspendedMembers: new Set(),
  };
  for (const who of Object.keys(people) as Person[]) {
    const roles: readonly Role[] =
      who === 'doctor' ? ['doctor', 'pharmacist'] : people[who] === 'hospital' ? ['doctor'] : ['pharmacist'];
    const scopes: readonly Scope[] = who === 'junior' ? ['ordinary'] : ['ordinary', 'controlled'];
    practice.persons.set(who, { roles, scopes, untilMs: startMs + 365 * dayMs, closed: [] });
    practice.keys.set(who, { who, isInForce: true, compromisedMs: null });
  }
  return { apply: (command) => apply(practice, command) };
}

interface Place {
  readonly member: Employer;
  readonly memberRoles: readonly string[];
  readonly roles: readonly Role[];
  readonly scope: Scope | null;
}

function isActive(practice: Practice, member: string): boolean {
  return !practice.suspendedMembers.has(member);
}

/** I13, of one key in one place. */
function maySign(practice: Practice, card: Card, place: Place): boolean {
  const key = practice.keys.get(cardName(card));
  const person = practice.persons.get(card.who);
  if (key === undefined || person === undefined || !key.isInForce) return false;
  if (person.closed.some(({ scope }) => scope === null) || practice.now >= person.untilMs) return false;
  if (people[card.who] !== place.member || !isActive(practice, place.member)) return false;
  if (!memberRoles[place.member].some((role) => place.memberRoles.includes(role))) return false;
  if (!person.roles.some((role) => place.roles.includes(role))) return false;
  const { scope } = place;
  if (scope === null) return true;
  return person.scopes.includes(scope) && !person.closed.some((one) => one.scope === scope);
}

const scopeOf = ({ isControlled }: { readonly isControlled: boolean }): Scope =>
  isControlled ? 'controlled' : 'ordinary';

function isVoid(practice: Practice, { signedBy, issuedMs }: NaivePrescription): boolean {
  return signedBy.some((name) => {
    const since = practice.keys.get(name)?.compromisedMs ?? null;
    return since !== null && since <= issuedMs;
  });
}

function statusOf(practice: Practice, rx: NaivePrescription): string {
  if (rx.isCancelled) return 'cancelled';
  if (rx.supplied === practiceUnits) return 'dispensed';
  if (rx.review === 'refused') return 'refused';
  if (isVoid(practice, rx)) return 'voided';
  if (rx.holder !== null && practice.now < rx.holder.untilMs) return 'held';
  return rx.review === 'pending' ? 'pending' : 'ready';
}

function issue(practice: Practice, command: PracticeOn<'issue'>): boolean {
  const { n, prescriber, signers, isControlled, isReviewed } = command;
  if (practice.prescriptions.has(n) || signers.length !== (isControlled ? 2 : 1)) return false;
  const place = { member: 'hospital', memberRoles: ['hospital'], scope: scopeOf(command) } as const;
  const isPrescriber = (card: Card): boolean =>
    card.who === prescriber && maySign(practice, card, { ...place, roles: ['doctor'] });
  const isSecond = (card: Card): boolean =>
    maySign(practice, card, { ...place, roles: ['doctor', 'pharmacist'] });
  if (!signers.some(isPrescriber) || (isControlled && !signers.every(isSecond))) return false;
  practice.prescriptions.set(n, {
    prescriber,
    signedBy: signers.map(cardName),
    issuedMs: practice.now,
    isControlled,
    review: isReviewed || isControlled ? 'pending' : 'done',
    reviewer: null,
    holder: null,
    isCancelled: false,
    supplied: 0,
    events: new Set(),
  });
  return true;
}

function review(practice: Practice, command: PracticeOn<'review'>): boolean {
  const { n, signer, via, outcome } = command;
  const rx = practice.prescriptions.get(n);
  if (rx === undefined) return false;
  const place = { member: via, memberRoles: ['hospital', 'pharmacy', 'reviewCentre'], scope: scopeOf(rx) };
  if (!maySign(practice, signer, { ...place, roles: ['pharmacist'] })) return false;
  // I7
  if (signer.who === rx.prescriber) return false;
  if (rx.review !== 'pending' || isVoid(practice, rx) || rx.isCancelled) return false;
  if (outcome === 'query') return true;
  rx.review = outcome === 'approve' ? 'done' : 'refused';
  rx.reviewer = signer.who;
  return true;
}

function isPharmacist(practice: Practice, rx: NaivePrescription, by: { card: Card; via: Employer }): boolean {
  const place = { member: by.via, memberRoles: ['pharmacy'], scope: scopeOf(rx) };
  return maySign(practice, by.card, { ...place, roles: ['pharmacist'] });
}

function onFill(practice: Practice, command: PracticeOn<'reserve' | 'return' | 'cancel'>): boolean {
  const { kind, n, signer, via } = command;
  const rx = practice.prescriptions.get(n);
  if (rx === undefined) return false;
  const status = statusOf(practice, rx);
  if (kind === 'cancel') {
    const place = { member: 'hospital', memberRoles: ['hospital'], roles: ['doctor'], scope: null } as const;
    const isPrescriber = via === 'hospital' && signer.who === rx.prescriber;
    if (!isPrescriber || !maySign(practice, signer, place)) return false;
    if (!['pending', 'ready', 'held'].includes(status)) return false;
    rx.isCancelled = true;
    return true;
  }
  if (!isPharmacist(practice, rx, { card: signer, via })) return false;
  const isHolder = status === 'held' && rx.holder?.member === via;
  if (kind === 'return') {
    if (isHolder) rx.holder = null;
    return isHolder;
  }
  if (!isHolder && status !== 'ready') return false;
  if (!isHolder) rx.holder = { member: via, untilMs: practice.now + reserveMs };
  return true;
}

function dispense(practice: Practice, command: PracticeOn<'dispense'>): boolean {
  const { n, signers, via, event, units } = command;
  const rx = practice.prescriptions.get(n);
  if (rx === undefined || signers.length !== (rx.isControlled ? 2 : 1)) return false;
  if (!signers.every((card) => isPharmacist(practice, rx, { card, via }))) return false;
  if (new Set(signers.map(({ who }) => who)).size !== signers.length) return false;
  // I7, by policy.
  if (signers.some(({ who }) => who === rx.prescriber || who === rx.reviewer)) return false;
  if (statusOf(practice, rx) !== 'held' || rx.holder?.member !== via || rx.events.has(event)) return false;
  if (rx.supplied + units > practiceUnits) return false;
  rx.supplied += units;
  rx.events.add(event);
  return true;
}

/** In which capacity an office acts on a person; null: in none. */
function capacityOf(practice: Practice, office: Office, who: Person): 'employer' | 'regulator' | null {
  if (!isActive(practice, office)) return null;
  if (people[who] === office) return 'employer';
  return office === 'regulator' ? 'regulator' : null;
}

function employ(practice: Practice, command: PracticeOn<'suspend' | 'reinstate' | 'scope'>): boolean {
  const { kind, who, office } = command;
  const by = capacityOf(practice, office, who);
  const person = practice.persons.get(who);
  if (by === null || person === undefined) return false;
  if (kind === 'scope') {
    if (by !== 'employer' || command.ms <= 0) return false;
    const { roles, scopes, ms } = command;
    Object.assign(person, { roles, scopes, untilMs: practice.now + ms });
    return true;
  }
  const { scope } = command;
  const isSuspended = person.closed.some((one) => one.by === by && one.scope === scope);
  if (kind === 'reinstate') {
    person.closed = person.closed.filter((one) => one.by !== by || one.scope !== scope);
    return isSuspended;
  }
  if (isSuspended || (scope !== null && !person.scopes.includes(scope))) return false;
  person.closed.push({ by, scope });
  return true;
}

const inForce = (practice: Practice, who: Person): readonly NaiveKey[] =>
  [...practice.keys.values()].filter((key) => key.who === who && key.isInForce);

function addKey(practice: Practice, { card, office }: PracticeOn<'addKey'>): boolean {
  if (capacityOf(practice, office, card.who) !== 'employer' || practice.keys.has(cardName(card)))
    return false;
  if (inForce(practice, card.who).length >= keysInForceMax) return false;
  practice.keys.set(cardName(card), { who: card.who, isInForce: true, compromisedMs: null });
  return true;
}

function rotate(practice: Practice, { from, to, office }: PracticeOn<'rotate'>): boolean {
  const old = practice.keys.get(cardName(from));
  if (old === undefined || !old.isInForce || practice.keys.has(cardName(to))) return false;
  if (capacityOf(practice, office, from.who) !== 'employer') return false;
  old.isInForce = false;
  practice.keys.set(cardName(to), { who: from.who, isInForce: true, compromisedMs: null });
  return true;
}

function revoke(practice: Practice, { card, agoMs, office }: PracticeOn<'revoke'>): boolean {
  const key = practice.keys.get(cardName(card));
  if (key === undefined || capacityOf(practice, office, card.who) === null) return false;
  if (agoMs !== null && agoMs < 0) return false;
  const since = agoMs === null ? null : practice.now - agoMs;
  const isWorse = since !== null && (key.compromisedMs === null || since < key.compromisedMs);
  if (!key.isInForce && !isWorse) return false;
  key.isInForce = false;
  key.compromisedMs = since;
  return true;
}

function vote({ suspendedMembers }: Practice, { isSuspension }: PracticeOn<'vote'>): boolean {
  if (suspendedMembers.has('review-centre') === isSuspension) return false;
  if (isSuspension) suspendedMembers.add('review-centre');
  else suspendedMembers.delete('review-centre');
  return true;
}

function apply(practice: Practice, command: PracticeCommand): boolean {
  switch (command.kind) {
    case 'wait':
      practice.now += command.ms;
      return true;
    case 'issue':
      return issue(practice, command);
    case 'review':
      return isActive(practice, command.via) && review(practice, command);
    case 'reserve':
    case 'return':
    case 'cancel':
      return isActive(practice, command.via) && onFill(practice, command);
    case 'dispense':
      return isActive(practice, command.via) && dispense(practice, command);
    case 'suspend':
    case 'reinstate':
    case 'scope':
      return employ(practice, command);
    case 'addKey':
      return addKey(practice, command);
    case 'rotate':
      return rotate(practice, command);
    case 'revoke':
      return revoke(practice, command);
    case 'vote':
      return vote(practice, command);
    default:
      return command satisfies never;
  }
}
