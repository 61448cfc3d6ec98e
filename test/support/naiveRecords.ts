/** What the naive model of a prescription's life (naiveLife.ts) remembers of supplies, fills and parcels. */
import type { Pharmacy, Stopper } from './naiveCommand.ts';

export interface NaiveSupply {
  readonly event: number;
  readonly who: Pharmacy;
  readonly atMs: number;
  readonly item: number;
  readonly units: number;
  readonly pack: number;
  parcel: number | null;
  hasLeft: boolean;
  isReceived: boolean;
  isWithdrawn: boolean;
}

export interface NaiveFill {
  readonly k: number;
  readonly startMs: number;
  holder: { readonly who: Pharmacy; readonly sinceMs: number; untilMs: number } | null;
  end: 'none' | 'cancelled' | 'partial' | 'complete';
  holds: Stopper[];
  supplies: NaiveSupply[];
}

export interface NaiveParcel {
  readonly k: number;
  readonly who: Pharmacy;
  custodian: string | null;
  status: 'inTransit' | 'delivered' | 'received' | 'failed' | 'returned';
}
