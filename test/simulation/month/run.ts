/** The month that the test and the command run: a pilot region from one seed, every act through the ledger's executor. */
import { actsOfDays, type DaysOptions } from '../../../devnet/generator/days.ts';
import { addUp, nothingOwed } from '../../../devnet/generator/owing.ts';
import { createRegion, type Region } from '../../../devnet/generator/region.ts';
import { settlementActs } from '../../../devnet/generator/settling.ts';
import type { Timestamp } from '../../../protocol/brand.ts';
import { Book, type Answer } from './book.ts';

const dayMs = 86_400_000;
const start = Date.UTC(2026, 0, 5) as Timestamp;
export const period = '2026-01';
export const monthSeed = 20_260_105;
export const monthDays: DaysOptions = { seed: monthSeed, start, dayCount: 30, prescriptionsPerDay: 670 };

export function pilotRegion(): Region {
  return createRegion({
    seed: 'month',
    hospitalCount: 12,
    pharmacyCount: 20,
    insurerCount: 3,
    courierCount: 2,
    doctorCount: 40,
    createdAt: (start - dayMs) as Timestamp,
  });
}

export interface Month {
  readonly book: Book;
  /** What each pair accepted less what went back, added up act by act. */
  readonly owed: ReadonlyMap<string, number>;
  readonly kinds: ReadonlyMap<string, number>;
  readonly issuedCount: number;
  readonly wrong: readonly string[];
}

/** Runs the days and the settlement; `onAnswer` hears every act with its answer. */
export function runMonth(region: Region): Month {
  const book = new Book(region);
  const owing = nothingOwed();
  const kinds = new Map<string, number>();
  const wrong: string[] = [];
  const hear = ({ act, code }: Answer): void => {
    const { action, expected } = act;
    kinds.set(
      `${action.kind} ${code ?? 'committed'}`,
      (kinds.get(`${action.kind} ${code ?? 'committed'}`) ?? 0) + 1,
    );
    if ((code ?? 'committed') !== expected && wrong.length < 20) {
      wrong.push(`${action.kind}: ${code ?? 'committed'}, not ${expected}`);
    }
    if (code === null) addUp(owing, act);
  };
  for (const act of actsOfDays(region, monthDays)) book.add(act).forEach(hear);
  book.flush().forEach(hear);
  for (const act of settlementActs(region, {
    view: book.view,
    at: book.timeMs + dayMs,
    period,
    seed: monthSeed,
  })) {
    book.add(act).forEach(hear);
    book.flush().forEach(hear);
  }
  return { book, owed: owing.owed, kinds, wrong, issuedCount: kinds.get('rx.issue committed') ?? 0 };
}
