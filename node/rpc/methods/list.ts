/** Lists with filters, work queues and recalls: pages over the records of one state. */
import * as z from 'zod';
import type { MemberName, Timestamp } from '../../../protocol/brand.ts';
import { claimStatusAt, claimStatuses, decodeClaim, type Claim } from '../../../protocol/claim.ts';
import { codeSchema, digestSchema, nameSchema } from '../../../protocol/codec.ts';
import {
  fillStatuses,
  holderOfFill,
  isVoided,
  nominatedPharmacy,
  statusOfFill,
} from '../../../protocol/fillStatus.ts';
import { decodeParcel, parcelStatuses } from '../../../protocol/parcel.ts';
import { prescriptionClasses, readPolicy } from '../../../protocol/policy.ts';
import { decodePrescription, type Prescription } from '../../../protocol/prescription.ts';
import type { RecordReader } from '../../../protocol/record.ts';
import { accepted } from '../../../protocol/result.ts';
import { decodeStatement, settledStatus, statementStatuses } from '../../../protocol/settlement.ts';
import type { List } from '../contract.ts';
import { fault, type Outcome } from '../errors.ts';
import { hexOf, jsonSchema, timeOf, timestampJson, type JsonOf } from '../json.ts';
import { pageItemsMax, recalledPacksMax } from '../limits.ts';
import { method, type Method, type RpcContext } from '../method.ts';
import type { LedgerPort, RecordView } from '../ports.ts';
import type { PrescriptionSummary } from '../queryContract.ts';
import { recallOf } from '../recall.ts';
import { isCursorOf, recordPage, type RecordSource } from '../recordList.ts';
import { claimView, hexOrNull, parcelView, timeOrNull, type ClaimView } from '../views.ts';
import { workQueues, workSources, type WorkItem } from '../workQueues.ts';
import { idJson } from './rx.ts';
import { statementView } from './settle.ts';

interface Page {
  readonly cursor: string | null;
  readonly limit: number;
}

interface Period {
  readonly since: Timestamp | null;
  readonly until: Timestamp | null;
}

const pageShape = {
  cursor: z.string().max(256).nullable().default(null),
  limit: z.int().min(1).max(pageItemsMax).default(pageItemsMax),
};
const periodShape = {
  since: timestampJson.nullable().default(null),
  until: timestampJson.nullable().default(null),
};
const memberShape = nameSchema.nullable().default(null);
const anyId = idJson.nullable().default(null);

function anyOf<Word extends string>(words: readonly Word[]): z.ZodType<readonly Word[] | null> {
  return z.array(z.enum(words)).min(1).max(words.length).nullable().default(null);
}

function isIn({ since, until }: Period, timeMs: Timestamp): boolean {
  return (since === null || timeMs >= since) && (until === null || timeMs < until);
}

/** True if nothing is asked for, or just this. */
function isAsked<T>(asked: T | null, value: T | null): boolean {
  return asked === null || asked === value;
}

/** Reads of one state, one after the other: each keeps its turns of the event loop short, and many at once would add them up. */
async function looking<T>(
  { ports, looks }: RpcContext,
  read: (view: RecordView, timeMs: Timestamp) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const { ledger } = ports;
  const outcome = await looks.pass(() => ledger.withView((view) => read(view, timeOfView(ledger, view))));
  return outcome ?? fault('overloaded');
}

/** One page of one state. `sourcesOf` tells where its items are found, judged at the time of the state's block. */
async function listed<Item, View>(
  context: RpcContext,
  page: Page,
  ask: {
    readonly sourcesOf: (view: RecordView, timeMs: Timestamp) => readonly RecordSource<Item>[];
    readonly viewOf: (item: Item) => View;
  },
): Promise<Outcome<List<View>>> {
  return looking(context, async (view, timeMs) => {
    const sources = ask.sourcesOf(view, timeMs);
    if (page.cursor !== null && !isCursorOf(page.cursor, sources)) return fault('invalidParams', 'cursor');
    const { items, nextCursor } = await recordPage(view, sources, page);
    return accepted({ items: items.map(ask.viewOf), nextCursor, asOfHeight: view.height });
  });
}

function timeOfView(ledger: LedgerPort, view: RecordView): Timestamp {
  return ledger.blockAt(view.height)?.block.header.timeMs ?? (0 as Timestamp);
}

interface Found {
  readonly prescription: Prescription;
  readonly summary: PrescriptionSummary;
}

const prescriptions = method('rx_list', {
  summary: 'Prescriptions by state, class, hospital, prescriber, reviewer, pharmacy and time of issue.',
  params: z.strictObject({
    ...pageShape,
    ...periodShape,
    status: anyOf(fillStatuses),
    class: z.enum(prescriptionClasses).nullable().default(null),
    hospital: memberShape,
    prescriber: anyId,
    reviewer: anyId,
    pharmacy: memberShape,
  }),
  handle: (params, context) =>
    listed(context, params, {
      sourcesOf: (state, timeMs) => {
        const itemsOf = (record: Uint8Array): readonly PrescriptionSummary[] => {
          const one = decodePrescription(record);
          const isWanted =
            isAsked(params.class, one.class) &&
            isAsked(params.hospital, one.hospital) &&
            isAsked(params.prescriber, one.prescriber) &&
            isAsked(params.reviewer, one.reviewer) &&
            isIn(params, one.issuedMs);
          if (!isWanted) return [];
          const found = { prescription: one, summary: summaryOf(state, one, timeMs) };
          return hasFill(found, params) ? [found.summary] : [];
        };
        return [{ prefix: 'rx/', itemsOf }];
      },
      viewOf: (summary) => summary,
    }),
});

function hasFill(
  { prescription, summary }: Found,
  asked: {
    readonly status: readonly PrescriptionSummary['fills'][number]['status'][] | null;
    readonly pharmacy: MemberName | null;
  },
): boolean {
  const { status, pharmacy } = asked;
  return summary.fills.some(
    (fill) =>
      (status === null || status.includes(fill.status)) &&
      (pharmacy === null ||
        pharmacy === fill.holder ||
        pharmacy === summary.nominated ||
        prescription.fills[fill.k]?.events.some((event) => event.pharmacy === pharmacy) === true),
  );
}

function summaryOf(state: RecordReader, prescription: Prescription, timeMs: Timestamp): PrescriptionSummary {
  const isVoid = isVoided(state, prescription);
  return {
    rxId: hexOf(prescription.rxId),
    hospital: prescription.hospital,
    prescriber: hexOf(prescription.prescriber),
    class: prescription.class,
    status: prescription.status,
    reviewer: hexOrNull(prescription.reviewer),
    isVoided: isVoid,
    issuedAt: timeOf(prescription.issuedMs),
    validUntil: timeOf(prescription.validUntil),
    nominated: nominatedPharmacy(prescription, timeMs),
    fills: prescription.fills.map((fill) => ({
      k: fill.k,
      start: timeOf(fill.start),
      end: timeOf(fill.end),
      status: statusOfFill({ prescription, fill, isVoided: isVoid }, timeMs),
      holder: holderOfFill(fill, timeMs),
    })),
  };
}

const claims = method('claim_list', {
  summary: 'Claims by state, prescription, pharmacy, insurer and time of the estimate.',
  params: z.strictObject({
    ...pageShape,
    ...periodShape,
    status: anyOf([...claimStatuses, 'netted', 'paid']),
    rxId: anyId,
    pharmacy: memberShape,
    insurer: memberShape,
  }),
  handle: (params, context) =>
    listed(context, params, {
      sourcesOf: (state, timeMs) => {
        const { adjudicationMs } = readPolicy(state);
        const itemsOf = (record: Uint8Array): readonly ClaimView[] => {
          const claim = decodeClaim(record);
          const isWanted =
            isAsked(params.rxId, claim.rxId) &&
            isAsked(params.pharmacy, claim.pharmacy) &&
            isAsked(params.insurer, claim.insurer) &&
            isIn(params, claim.estimatedMs);
          if (!isWanted) return [];
          const status = claimStatusIn(state, claim, { timeMs, adjudicationMs });
          return params.status?.includes(status) === false ? [] : [claimView(claim, status)];
        };
        return [{ prefix: 'claim/', itemsOf }];
      },
      viewOf: (view) => view,
    }),
});

function claimStatusIn(
  state: RecordReader,
  claim: Claim,
  { timeMs, adjudicationMs }: { readonly timeMs: Timestamp; readonly adjudicationMs: number },
): ClaimView['status'] {
  const now = claimStatusAt(claim, timeMs, adjudicationMs);
  return now === 'unknown' ? now : settledStatus(state, claim);
}

const parcels = method('delivery_list', {
  summary: 'Parcels by state, prescription, pharmacy, courier and time of the hand-over to the courier.',
  params: z.strictObject({
    ...pageShape,
    ...periodShape,
    status: anyOf(parcelStatuses),
    rxId: anyId,
    pharmacy: memberShape,
    courier: memberShape,
  }),
  handle: (params, context) =>
    listed(context, params, {
      sourcesOf: (state, timeMs) => {
        const policy = readPolicy(state);
        const itemsOf = (record: Uint8Array): readonly ReturnType<typeof parcelView>[] => {
          const parcel = decodeParcel(record);
          const isWanted =
            params.status?.includes(parcel.status) !== false &&
            isAsked(params.rxId, parcel.rxId) &&
            isAsked(params.pharmacy, parcel.pharmacy) &&
            (isAsked(params.courier, parcel.courier) || isAsked(params.courier, parcel.custodian)) &&
            isIn(params, parcel.shippedMs);
          return isWanted ? [parcelView(parcel, policy, timeMs)] : [];
        };
        return [{ prefix: 'parcel/', itemsOf }];
      },
      viewOf: (view) => view,
    }),
});

const statements = method('settle_list', {
  summary: 'Statements by state, insurer, pharmacy and period.',
  params: z.strictObject({
    ...pageShape,
    status: anyOf(statementStatuses),
    insurer: memberShape,
    pharmacy: memberShape,
    period: codeSchema.nullable().default(null),
  }),
  handle: (params, context) => {
    const { status, insurer, pharmacy, period } = params;
    return listed(context, params, {
      sourcesOf: () => {
        const itemsOf = (record: Uint8Array): readonly ReturnType<typeof statementView>[] => {
          const one = decodeStatement(record);
          const isWanted =
            status?.includes(one.status) !== false &&
            isAsked(pharmacy, one.pharmacy) &&
            isAsked(period, one.period);
          return isWanted ? [statementView(one)] : [];
        };
        // The keys are in the order of insurers.
        return [{ prefix: insurer === null ? 'statement/' : `statement/${insurer}/`, itemsOf }];
      },
      viewOf: (view) => view,
    });
  },
});

const work = method('work_list', {
  summary:
    'What waits to be reviewed, dispensed, shipped or adjudicated, or is overdue: unconfirmed supply, late parcels, unanswered estimates. By member and by the time since when.',
  params: z.strictObject({
    ...pageShape,
    ...periodShape,
    queue: z.enum(workQueues),
    member: memberShape,
  }),
  handle: (params, context) => {
    const { queue, member } = params;
    const isWanted = ({ members, sinceMs }: WorkItem): boolean =>
      (member === null || members.includes(member)) && isIn(params, sinceMs);
    return listed(context, params, {
      sourcesOf: (state, timeMs) =>
        workSources(queue, state, timeMs).map(({ prefix, itemsOf }) => ({
          prefix,
          itemsOf: (record) => itemsOf(record).filter(isWanted),
        })),
      viewOf: workView,
    });
  },
});

function workView(item: WorkItem): JsonOf<WorkItem> {
  const { kind, rxId, k, eventId, parcelId, claimId, members, sinceMs, dueMs } = item;
  return {
    kind,
    rxId: hexOf(rxId),
    k,
    eventId: hexOrNull(eventId),
    parcelId: hexOrNull(parcelId),
    claimId: hexOrNull(claimId),
    members,
    sinceAt: timeOf(sinceMs),
    dueAt: timeOrNull(dueMs),
  };
}

const recall = method('recall_find', {
  summary: 'Which supplies the packs of a batch went into, and who has them: by the hashes of their serials.',
  params: z.strictObject({ packHashes: z.array(jsonSchema(digestSchema)).min(1).max(recalledPacksMax) }),
  handle: ({ packHashes }, context) =>
    looking(context, async (view, timeMs) => {
      const found = await recallOf(view, packHashes, timeMs);
      return accepted({ asOfHeight: view.height, ...found });
    }),
});

export const listMethods: readonly Method[] = [prescriptions, claims, parcels, statements, work, recall];
