/** The methods that look through records: lists, work queues and recalls. */
import type { MemberName } from '../../protocol/brand.ts';
import type { FillStatus } from '../../protocol/fillStatus.ts';
import type { Parcel } from '../../protocol/parcel.ts';
import type { PrescriptionClass } from '../../protocol/policy.ts';
import type { Prescription } from '../../protocol/prescription.ts';
import type { Statement } from '../../protocol/settlement.ts';
import type { EventView, List, Method } from './contract.ts';
import type { JsonOf } from './json.ts';
import type { ClaimView, ParcelView } from './views.ts';
import type { WorkItem, WorkQueue } from './workQueues.ts';

/** A page may be empty and lead on all the same: only `nextCursor: null` is the end. */
interface PageParams {
  readonly cursor?: string;
  /** At most 100; a page is longer by what its last record shows. */
  readonly limit?: number;
}

/** RFC 3339: `since` <= time < `until`. */
interface PeriodParams {
  readonly since?: string;
  readonly until?: string;
}

export interface PrescriptionSummary {
  readonly rxId: string;
  readonly hospital: MemberName;
  readonly prescriber: string;
  readonly class: PrescriptionClass;
  readonly status: Prescription['status'];
  readonly reviewer: string | null;
  readonly isVoided: boolean;
  readonly issuedAt: string;
  readonly validUntil: string;
  /** The pharmacy that alone may reserve now. */
  readonly nominated: MemberName | null;
  readonly fills: readonly {
    readonly k: number;
    readonly start: string;
    readonly end: string;
    readonly status: FillStatus;
    readonly holder: MemberName | null;
  }[];
}

export interface RecalledPack {
  readonly packHash: string;
  readonly rxId: string;
  readonly k: number;
  readonly eventId: string;
  /** That dispensed it. */
  readonly pharmacy: MemberName;
  readonly dispensedAt: string;
  /** Who has it as far as the ledger knows; null: the patient, who has confirmed it. */
  readonly holder: MemberName | null;
  readonly parcelId: string | null;
  readonly parcelStatus: Parcel['status'] | null;
  readonly receivedAt: string | null;
  /** Taken back, and kept off the shelf. */
  readonly withdrawnAt: string | null;
  readonly fillStatus: FillStatus;
}

/** A step of a prescription's life. */
export interface HistoryItem extends EventView {
  /** Provable offline with the genesis file alone; null if it was not asked for, or no certificate covers it yet. */
  readonly stamp: string | null;
}

export interface QueryMethods {
  readonly rx_history: Method<
    {
      readonly rxId: string;
      readonly cursor?: string;
      /** At most 100; with stamps, 20. */
      readonly limit?: number;
      readonly withStamps?: boolean;
    },
    List<HistoryItem>
  >;
  readonly rx_list: Method<
    PageParams &
      PeriodParams & {
        /** Of one of its fills; together with `pharmacy`, of the same fill. */
        readonly status?: readonly FillStatus[];
        readonly class?: PrescriptionClass;
        readonly hospital?: string;
        readonly prescriber?: string;
        readonly reviewer?: string;
        /** It holds the fill, supplied from it, or is nominated. */
        readonly pharmacy?: string;
      },
    List<PrescriptionSummary>
  >;
  readonly claim_list: Method<
    PageParams &
      PeriodParams & {
        readonly status?: readonly ClaimView['status'][];
        readonly rxId?: string;
        readonly pharmacy?: string;
        readonly insurer?: string;
      },
    List<ClaimView>
  >;
  readonly delivery_list: Method<
    PageParams &
      PeriodParams & {
        readonly status?: readonly Parcel['status'][];
        readonly rxId?: string;
        readonly pharmacy?: string;
        /** It took the parcel over from the pharmacy, or has it. */
        readonly courier?: string;
      },
    List<ParcelView>
  >;
  readonly settle_list: Method<
    PageParams & {
      readonly status?: readonly Statement['status'][];
      readonly insurer?: string;
      readonly pharmacy?: string;
      readonly period?: string;
    },
    List<JsonOf<Statement>>
  >;
  readonly work_list: Method<
    PageParams &
      PeriodParams & {
        readonly queue: WorkQueue;
        /** Whose it is, or whom it concerns. */
        readonly member?: string;
      },
    List<JsonOf<WorkItem>>
  >;
  readonly recall_find: Method<
    { readonly packHashes: readonly string[] },
    {
      readonly asOfHeight: number;
      readonly items: readonly RecalledPack[];
      /** On no record: never dispensed, or back on the shelf. */
      readonly notDispensed: readonly string[];
    }
  >;
}
