/** Commands of the naive model as the transactions that say them. */
import type { MemberName, PublicKey } from '../../protocol/brand.ts';
import { readPack } from '../../protocol/pack.ts';
import {
  aCancel,
  aClose,
  aDecideSubstitution,
  aDeliver,
  aDispense,
  aFail,
  aHold,
  aNominate,
  anAskSubstitution,
  anExtend,
  aReceive,
  aRedirect,
  aRelease,
  aReserve,
  aReturn,
  aScan,
  aShip,
  aTakeBack,
  aWithdraw,
  dispensed,
} from './acts.ts';
import {
  at,
  dayMs,
  digestOf,
  hospital,
  idOf,
  keyOf,
  name,
  readerOf,
  regulator,
  type Act,
  type World,
} from './domain.ts';
import type { Command, CommandOn, Courier, Pharmacy } from './naiveCommand.ts';
import { aReinstate, aRevokeKey, aSuspend } from './people.ts';

const pharmacistOf = (who: Pharmacy): PublicKey =>
  keyOf(who === 'pharmacy' ? 'pharmacist' : 'rival pharmacist');
const riderOf = (who: Courier): PublicKey => keyOf(who === 'courier' ? 'rider' : 'other rider');
const by = (who: Pharmacy): { readonly member: MemberName; readonly keys: readonly PublicKey[] } => ({
  member: name(who),
  keys: [pharmacistOf(who)],
});
export const parcelIdOf = (number: number): ReturnType<typeof idOf> => idOf(`parcel ${number}`);
export const eventIdOf = (number: number): ReturnType<typeof idOf> => idOf(`event ${number}`);
const stoppers = {
  prescriber: {},
  owner: { keys: [keyOf('owner')] },
  regulator: { member: regulator, keys: [keyOf('regulator admin')] },
} as const;

/** What the command says, as the transaction that says it. */
export function actOf(world: World, command: Exclude<Command, { readonly kind: 'wait' }>): Act {
  const until = (ms: number): ReturnType<typeof at> => at(world.timeMs + ms);
  switch (command.kind) {
    case 'reserve': {
      const { who, k, ms, hasCode } = command;
      const keys = hasCode ? [pharmacistOf(who), keyOf(`redeem ${k}`)] : [pharmacistOf(who)];
      return aReserve({ member: name(who), keys, body: { k, pharmacy: name(who), until: until(ms) } });
    }
    case 'extend':
      return anExtend({ ...by(command.who), body: { k: command.k, until: until(command.ms) } });
    case 'return':
      return aReturn({ ...by(command.who), body: { k: command.k } });
    case 'dispense':
      return dispenseOf(command);
    case 'close': {
      const outcome = command.isPartial ? 'partial' : 'complete';
      return aClose({ ...by(command.who), body: { k: command.k, outcome } });
    }
    case 'withdraw':
      return withdrawOf(world, command);
    case 'cancel':
      return aCancel({ ...stoppers[command.by], body: { k: command.k } });
    case 'hold':
      return aHold({ ...stoppers[command.by], body: { k: command.k } });
    case 'release':
      return aRelease({ ...stoppers[command.by], body: { k: command.k } });
    case 'nominate': {
      const { who, ms } = command;
      return aNominate({
        body: { nomination: who === null ? null : { pharmacy: name(who), until: until(ms) } },
      });
    }
    case 'redirect': {
      const nomination = { pharmacy: name(command.who), until: until(command.ms) };
      return aRedirect({ body: { k: command.k, nomination } });
    }
    case 'ask':
    case 'decide':
    case 'ship':
    case 'scan':
    case 'deliver':
    case 'fail':
    case 'takeBack':
    case 'receive':
    case 'suspend':
    case 'reinstate':
    case 'compromise':
      return laterActOf(world, command);
    default:
      return command satisfies never;
  }
}

type LaterKind =
  | 'ask'
  | 'decide'
  | 'ship'
  | 'scan'
  | 'deliver'
  | 'fail'
  | 'takeBack'
  | 'receive'
  | 'suspend'
  | 'reinstate'
  | 'compromise';

function laterActOf(world: World, command: CommandOn<LaterKind>): Act {
  switch (command.kind) {
    case 'ask':
      return anAskSubstitution({ ...by(command.who), body: { k: command.k } });
    case 'decide':
      return aDecideSubstitution({ body: { isAllowed: command.isAllowed } });
    case 'ship': {
      const keys = [pharmacistOf(command.who), keyOf('rider')];
      const body = {
        k: command.k,
        parcelId: parcelIdOf(command.parcel),
        deliverBy: at(world.timeMs + dayMs),
      };
      return aShip({ member: name(command.who), keys, body });
    }
    case 'scan': {
      const { from, to } = command;
      const taker = from === to ? keyOf('hub clerk') : riderOf(to);
      const body = { parcelId: parcelIdOf(command.parcel), from: name(from), to: name(to) };
      return aScan({ member: name(from), keys: [riderOf(from), taker], body });
    }
    case 'deliver':
    case 'fail': {
      const who = { member: name(command.who), keys: [riderOf(command.who)] };
      const act = { ...who, body: { parcelId: parcelIdOf(command.parcel) } };
      return command.kind === 'fail' ? aFail(act) : aDeliver(act);
    }
    case 'takeBack': {
      const { who, from, isSealIntact } = command;
      const body = { parcelId: parcelIdOf(command.parcel), isSealIntact };
      return aTakeBack({ member: name(who), keys: [pharmacistOf(who), riderOf(from)], body });
    }
    case 'receive': {
      const parcelId = command.parcel === null ? null : parcelIdOf(command.parcel);
      return aReceive({ body: { k: command.k, parcelId } });
    }
    case 'suspend':
    case 'reinstate': {
      const practitionerId = idOf(command.who === 'pharmacy' ? 'pharmacist' : 'rival pharmacist');
      const act = {
        member: name(command.who),
        keys: [keyOf(`${command.who} admin`)],
        body: { practitionerId },
      };
      return command.kind === 'suspend' ? aSuspend(act) : aReinstate(act);
    }
    case 'compromise':
      return aRevokeKey({ member: hospital, body: { compromisedSince: at(world.timeMs - command.agoMs) } });
    default:
      return command satisfies never;
  }
}

function dispenseOf(command: CommandOn<'dispense'>): Act {
  const { who, k, item, units: count, pack, isEquivalent } = command;
  const packHashes = [digestOf(`pack ${pack}`)];
  const equivalence = isEquivalent ? 'equivalent' : 'same';
  return aDispense({
    ...by(who),
    body: {
      k,
      eventId: eventIdOf(command.event),
      items: [dispensed(item, count, { packHashes, equivalence })],
      substitution: isEquivalent ? 'stock' : null,
    },
  });
}

/** The packs that the supply was recorded with, to be restocked. */
function withdrawOf(world: World, command: CommandOn<'withdraw'>): Act {
  const { who, k, isRestocked, isWithOwner } = command;
  const eventId = eventIdOf(command.event);
  const own = Array.from({ length: 8 }, (_, pack) => digestOf(`pack ${pack}`)).filter(
    (hash) => readPack(readerOf(world), hash)?.eventId === eventId,
  );
  const keys = isWithOwner ? [pharmacistOf(who), keyOf('owner')] : [pharmacistOf(who)];
  const body = { k, eventId, restockedHashes: isRestocked ? own : [] };
  return aWithdraw({ member: name(who), keys, body });
}
