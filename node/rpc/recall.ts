/** Recalls: from the hashes of packs to the supplies that they went into, and to whoever has them. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Digest, MemberName, Timestamp } from '../../protocol/brand.ts';
import { findFill, statusOfFill, type FoundFill } from '../../protocol/fillStatus.ts';
import { invariant, present } from '../../protocol/invariant.ts';
import { readPack, type SpentPack } from '../../protocol/pack.ts';
import { readParcel, type Parcel } from '../../protocol/parcel.ts';
import type { DispenseEvent } from '../../protocol/prescription.ts';
import type { RecordReader } from '../../protocol/record.ts';
import { hexOf, timeOf } from './json.ts';
import { listRowsPerTurn } from './limits.ts';
import type { RecalledPack } from './queryContract.ts';
import { hexOrNull, timeOrNull } from './views.ts';

/** Of each pack that is on the record. `timeMs` is that of the state's block. */
export async function recallOf(
  state: RecordReader,
  packHashes: readonly Digest[],
  timeMs: Timestamp,
): Promise<{ readonly items: readonly RecalledPack[]; readonly notDispensed: readonly string[] }> {
  const items: RecalledPack[] = [];
  const notDispensed: string[] = [];
  for (const [index, packHash] of packHashes.entries()) {
    if (index % listRowsPerTurn === listRowsPerTurn - 1) await nextTurn();
    const pack = readPack(state, packHash);
    if (pack === null) notDispensed.push(hexOf(packHash));
    else items.push(recalled(state, { packHash, pack }, timeMs));
  }
  return { items, notDispensed };
}

function recalled(
  state: RecordReader,
  { packHash, pack }: { readonly packHash: Digest; readonly pack: SpentPack },
  timeMs: Timestamp,
): RecalledPack {
  const { rxId, k, eventId } = pack;
  const found = findFill(state, rxId, k);
  invariant(found.ok, 'a pack was spent in a fill');
  const event = eventIn(found.value, pack);
  const { parcelId } = event;
  const parcel = parcelId === null ? null : readParcel(state, parcelId);
  return {
    packHash: hexOf(packHash),
    rxId: hexOf(rxId),
    k,
    eventId: hexOf(eventId),
    pharmacy: event.pharmacy,
    dispensedAt: timeOf(event.timeMs),
    holder: holderOf(event, parcel),
    parcelId: hexOrNull(parcelId),
    parcelStatus: parcel?.status ?? null,
    receivedAt: timeOrNull(event.receivedMs),
    withdrawnAt: timeOrNull(event.withdrawnMs),
    fillStatus: statusOfFill(found.value, timeMs),
  };
}

function eventIn({ fill }: FoundFill, { eventId }: SpentPack): DispenseEvent {
  return present(
    fill.events.find((event) => event.eventId === eventId),
    'a pack was spent in an event',
  );
}

function holderOf(event: DispenseEvent, parcel: Parcel | null): MemberName | null {
  if (event.withdrawnMs !== null) return event.pharmacy;
  if (event.receivedMs !== null) return null;
  return parcel === null ? event.pharmacy : parcel.custodian;
}
