/** What can be tried in a random life of a prescription, and what is seen of it, in the words of the naive model (naiveLife.ts). */

export type Pharmacy = 'pharmacy' | 'rival-pharmacy';
export type Courier = 'courier' | 'second-courier';
export type Stopper = 'prescriber' | 'owner' | 'regulator';

export type Command =
  | { readonly kind: 'wait'; readonly ms: number }
  | {
      readonly kind: 'reserve';
      readonly k: number;
      readonly who: Pharmacy;
      readonly ms: number;
      readonly hasCode: boolean;
    }
  | { readonly kind: 'extend'; readonly k: number; readonly who: Pharmacy; readonly ms: number }
  | { readonly kind: 'return'; readonly k: number; readonly who: Pharmacy }
  | {
      readonly kind: 'dispense';
      readonly k: number;
      readonly who: Pharmacy;
      readonly event: number;
      readonly item: number;
      readonly units: number;
      readonly pack: number;
      readonly isEquivalent: boolean;
    }
  | { readonly kind: 'close'; readonly k: number; readonly who: Pharmacy; readonly isPartial: boolean }
  | {
      readonly kind: 'withdraw';
      readonly k: number;
      readonly who: Pharmacy;
      readonly event: number;
      readonly isRestocked: boolean;
      readonly isWithOwner: boolean;
    }
  | {
      readonly kind: 'cancel' | 'hold' | 'release';
      readonly k: number | null;
      readonly by: Stopper;
    }
  | { readonly kind: 'nominate'; readonly who: Pharmacy | null; readonly ms: number }
  | { readonly kind: 'redirect'; readonly k: number; readonly who: Pharmacy; readonly ms: number }
  | { readonly kind: 'ask'; readonly k: number; readonly who: Pharmacy }
  | { readonly kind: 'decide'; readonly isAllowed: boolean }
  | { readonly kind: 'ship'; readonly k: number; readonly who: Pharmacy; readonly parcel: number }
  | { readonly kind: 'scan'; readonly parcel: number; readonly from: Courier; readonly to: Courier }
  | { readonly kind: 'deliver' | 'fail'; readonly parcel: number; readonly who: Courier }
  | {
      readonly kind: 'takeBack';
      readonly parcel: number;
      readonly who: Pharmacy;
      readonly from: Courier;
      readonly isSealIntact: boolean;
    }
  | { readonly kind: 'receive'; readonly k: number; readonly parcel: number | null }
  | { readonly kind: 'suspend' | 'reinstate'; readonly who: Pharmacy }
  | { readonly kind: 'compromise'; readonly agoMs: number };

/** What is done to one fill. */
export type FillKind =
  | 'reserve'
  | 'extend'
  | 'return'
  | 'dispense'
  | 'close'
  | 'withdraw'
  | 'redirect'
  | 'ask'
  | 'ship'
  | 'receive';

export type CommandOn<K extends Command['kind']> = Command & { readonly kind: K };

/** What everybody sees of a fill. */
interface FillPicture {
  readonly status: string;
  readonly remaining: readonly number[];
  readonly holds: readonly string[];
  readonly supplies: readonly (readonly [event: number, isReceived: boolean, isWithdrawn: boolean])[];
}

export interface Picture {
  readonly fills: readonly FillPicture[];
  readonly parcels: readonly (readonly [parcel: number, status: string, custodian: string | null])[];
}
