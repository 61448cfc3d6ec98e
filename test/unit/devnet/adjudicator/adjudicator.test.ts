/** The adjudicator against the methods of a node, on a ledger in memory. */
import assert from 'node:assert/strict';
import { runAdjudicator, type Report } from '../../../../devnet/adjudicator/adjudicator.ts';
import type { Asked } from '../../../../devnet/adjudicator/asking.ts';
import type { BenefitTable } from '../../../../devnet/adjudicator/benefitTable.ts';
import { cursorInMemory, type CursorStore } from '../../../../devnet/adjudicator/cursorFile.ts';
import { RpcError } from '../../../../node/rpc/client.ts';
import type {
  EventPageJson,
  MethodName,
  MethodResult,
  TransactionResult,
} from '../../../../node/rpc/contract.ts';
import { errorObject, type ErrorName } from '../../../../node/rpc/errors.ts';
import { hexOf } from '../../../../node/rpc/json.ts';
import { noon } from '../../../support/chain.ts';
import { memberOn, type Caller } from '../../rpc/caller.ts';
import { idOf, memoryChain, type MemoryChain } from '../../rpc/memoryNode.ts';

const hour = 3_600_000;
const units = 20;
const by = { practitioner: 'ph-wang' };
const table: BenefitTable = {
  classes: { ordinary: { sharePercent: 80, copay: 300, unitPriceMax: 300 } },
  claimCoveredMax: 4_000,
  disputeReason: 'aboveCeiling',
};

interface Town {
  readonly chain: MemoryChain;
  readonly hospital: Caller;
  readonly pharmacy: Caller;
  readonly insurer: Caller;
}

function aTown(): Town {
  const chain = memoryChain();
  const on = (member: string): Caller => memberOn(chain, member);
  return { chain, hospital: on('hospital'), pharmacy: on('pharmacy'), insurer: on('insurer') };
}

async function committed(write: Promise<TransactionResult>): Promise<void> {
  const { status, code } = await write;
  assert.deepEqual([status, code], ['committed', null]);
}

interface Estimated {
  readonly claimId: string;
  readonly rxId: string;
  readonly price: number;
}

/** A prescription that the pharmacy holds, and asks the insurer about. */
async function estimate({ hospital, pharmacy }: Town, name: string, price = 3_000): Promise<Estimated> {
  const time = (afterMs: number): string => new Date(noon + afterMs).toISOString();
  const issued = await hospital.call('rx_issue', {
    practitioner: 'dr-zhang',
    class: 'ordinary',
    validUntil: time(48 * hour),
    items: [{ itemId: 1, units, repeats: 0, intervalDays: 0, substitutionAllowed: false }],
    documents: [{ resourceType: 'MedicationRequest', status: 'active', intent: 'order' }],
  });
  const { rxId } = issued;
  const fillSecret = issued.fillSecrets[0] ?? '';
  const until = time(12 * hour);
  await committed(pharmacy.call('fill_reserve', { ...by, fillSecret, until, mode: 'counter' }));
  const claimId = hexOf(idOf(`claim ${name}`));
  const lines = [{ itemId: 1, units, price }];
  const question = { claimId, rxId, k: 0, insurer: 'insurer', lines, total: price };
  await committed(pharmacy.call('claim_estimate', { ...by, ...question }));
  return { claimId, rxId, price };
}

/** Paid by the patient, dispensed, and claimed. */
async function submit({ pharmacy }: Town, { claimId, rxId, price }: Estimated): Promise<void> {
  const { claim } = await pharmacy.call('claim_get', { claimId });
  const patientPaid = claim.adjudication?.patientPays ?? 0;
  const payments = [{ method: 'cash', amount: patientPaid }];
  await committed(pharmacy.call('claim_pay', { ...by, claimId, patientPaid, payments }));
  const eventId = hexOf(idOf(`event ${claimId}`));
  const items = [{ itemId: 1, units, equivalence: 'same', packHashes: [] }] as const;
  await committed(pharmacy.call('fill_dispense', { ...by, rxId, k: 0, eventId, items, substitution: null }));
  const lines = [{ itemId: 1, units, price }];
  await committed(
    pharmacy.call('claim_submit', { ...by, claimId, eventIds: [eventId], lines, total: price }),
  );
}

async function statusOf({ pharmacy }: Town, { claimId }: Estimated): Promise<string> {
  const { claim } = await pharmacy.call('claim_get', { claimId });
  return claim.status;
}

/** How many transactions of each kind the insurer's adjudicator has on the ledger. */
function actsOf({ chain }: Town): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { transactions } of chain.blocks) {
    for (const { action, member } of transactions) {
      if (member === 'insurer') counts[action.kind] = (counts[action.kind] ?? 0) + 1;
    }
  }
  return counts;
}

/** What happens to the calls of a method before the node hears of them, or after; each is used up by one call. */
interface Trouble {
  readonly method: MethodName;
  readonly when: 'before' | 'after';
  readonly error: Error;
}

interface Shift {
  readonly table?: BenefitTable;
  readonly cursors?: CursorStore;
  readonly practitioner?: string;
  readonly member?: string;
  readonly troubles?: readonly Trouble[];
  /** Looked at instead of the ledger's claim, for the first look. */
  readonly staleClaim?: MethodResult<'claim_get'>;
}

/** Runs the adjudicator until there is nothing left to read. Gives what it reported, and the fault. */
async function work(
  town: Town,
  shift: Shift = {},
): Promise<{ readonly reports: readonly Report[]; readonly fault: string | null }> {
  const stop = new AbortController();
  const node = shift.member === undefined ? town.insurer : memberOn(town.chain, shift.member);
  const troubles = [...(shift.troubles ?? [])];
  const stale = shift.staleClaim === undefined ? [] : [shift.staleClaim];
  const meet = (method: MethodName, when: Trouble['when']): void => {
    const [next] = troubles;
    if (next?.method !== method || next.when !== when) return;
    troubles.shift();
    throw next.error;
  };
  const client: Asked = {
    call: async (method, params) => {
      meet(method, 'before');
      const seen = method === 'claim_get' ? stale.shift() : undefined;
      if (seen !== undefined) return seen;
      // Nothing happens while it waits: the present answer is the last one.
      const isWaiting = 'waitMs' in params && params.waitMs !== 0;
      const asked = 'waitMs' in params ? { ...params, waitMs: 0 } : params;
      const answer = await node.call(method, asked);
      meet(method, 'after');
      if (isWaiting && (answer as EventPageJson).items.length === 0) stop.abort();
      return answer;
    },
  };
  const reports: Report[] = [];
  const ended = await runAdjudicator({
    client,
    table: shift.table ?? table,
    practitioner: shift.practitioner ?? 'adj-wu',
    cursors: shift.cursors ?? cursorInMemory(),
    onReport: (report) => reports.push(report),
    signal: stop.signal,
  });
  return { reports, fault: ended.ok ? null : ended.refusal.code };
}

/** A store that was saved before anything happened. */
function fromTheBeginning(): CursorStore {
  const store = cursorInMemory();
  store.save('', '0.0');
  return store;
}

function servedIn(reports: readonly Report[]): readonly string[] {
  return reports.flatMap((report) => (report.kind === 'served' ? [`${report.act}: ${report.outcome}`] : []));
}

function rpcError(name: ErrorName): RpcError {
  const { code, message, data } = errorObject({ name, path: null, txId: null });
  return new RpcError(code, message, { ...data, ...('retryAfterMs' in data ? { retryAfterMs: 1 } : {}) });
}

describe('the automatic adjudicator', () => {
  it('answers an estimate by the table', async () => {
    const town = aTown();
    const { claimId } = await estimate(town, '1');
    const { reports } = await work(town, { cursors: fromTheBeginning() });
    assert.deepEqual(reports, [
      { kind: 'began', insurer: 'insurer', cursor: '0.0' },
      { kind: 'served', claimId, act: 'adjudicate', outcome: 'committed' },
    ]);
    const { claim } = await town.pharmacy.call('claim_get', { claimId });
    assert.deepEqual(claim.adjudication, {
      outcome: 'approve',
      lines: [{ itemId: 1, covered: 2_100, patientPays: 900, code: 'share' }],
      covered: 2_100,
      patientPays: 900,
    });
  });

  it('says so at once when its table does not know the class', async () => {
    const town = aTown();
    const estimated = await estimate(town, '1');
    await work(town, { cursors: fromTheBeginning(), table: { ...table, classes: {} } });
    assert.equal(await statusOf(town, estimated), 'unknown');
  });

  it('begins at the present without a cursor', async () => {
    const town = aTown();
    const estimated = await estimate(town, '1');
    const { reports } = await work(town);
    assert.deepEqual([await statusOf(town, estimated), servedIn(reports)], ['estimated', []]);
  });

  it('accepts what is claimed as adjudicated', async () => {
    const town = aTown();
    const cursors = fromTheBeginning();
    const estimated = await estimate(town, '1');
    await work(town, { cursors });
    await submit(town, estimated);
    const { reports } = await work(town, { cursors });
    assert.deepEqual(servedIn(reports), ['accept: committed']);
    assert.equal(await statusOf(town, estimated), 'accepted');
  });

  it('disputes a claim above the ceiling, and accepts an offer below it', async () => {
    const town = aTown();
    const cursors = fromTheBeginning();
    const estimated = await estimate(town, '1', 6_000);
    await work(town, { cursors });
    await submit(town, estimated);
    assert.deepEqual(servedIn((await work(town, { cursors })).reports), ['dispute: committed']);
    const { claimId } = estimated;
    const offer = (covered: number): Promise<void> =>
      committed(
        town.pharmacy.call('claim_dispute', {
          ...by,
          claimId,
          reason: 'priceList',
          lines: [{ itemId: 1, covered }],
        }),
      );
    await offer(4_200);
    assert.deepEqual(servedIn((await work(town, { cursors })).reports), ['leave: forAPerson']);
    await offer(3_900);
    assert.deepEqual(servedIn((await work(town, { cursors })).reports), ['accept: committed']);
    const { claim } = await town.pharmacy.call('claim_get', { claimId });
    assert.deepEqual([claim.status, claim.settled], ['accepted', [3_900]]);
  });

  it('goes on after a restart where it was, and answers nothing twice', async () => {
    const town = aTown();
    const cursors = fromTheBeginning();
    const first = await estimate(town, '1');
    await work(town, { cursors });
    const second = await estimate(town, '2');
    const { reports } = await work(town, { cursors });
    assert.deepEqual(servedIn(reports), ['adjudicate: committed']);
    const again = await work(town, { cursors: fromTheBeginning() });
    assert.deepEqual(servedIn(again.reports), []);
    assert.deepEqual(actsOf(town), { 'claim.adjudicate': 2 });
    assert.deepEqual(
      [await statusOf(town, first), await statusOf(town, second)],
      ['adjudicated', 'adjudicated'],
    );
  });

  it('serves more claims than one page holds', async () => {
    const town = aTown();
    for (let number = 1; number <= 33; number += 1) await estimate(town, `${number}`);
    const { reports } = await work(town, { cursors: fromTheBeginning() });
    assert.equal(servedIn(reports).length, 33);
  });

  it('makes one transaction of an act whose answer was lost', async () => {
    const town = aTown();
    const troubles: readonly Trouble[] = [
      { method: 'claim_get', when: 'before', error: new Error('hung up') },
      { method: 'claim_adjudicate', when: 'after', error: new Error('hung up') },
    ];
    const estimated = await estimate(town, '1');
    const { reports } = await work(town, { cursors: fromTheBeginning(), troubles });
    assert.deepEqual(
      reports.flatMap((report) => (report.kind === 'waits' ? [report.reason] : [])),
      ['unreachable', 'unreachable'],
    );
    assert.deepEqual(
      [await statusOf(town, estimated), actsOf(town)],
      ['adjudicated', { 'claim.adjudicate': 1 }],
    );
  });

  it('takes it for done when somebody else was faster', async () => {
    const town = aTown();
    const { claimId } = await estimate(town, '1');
    const staleClaim = await town.pharmacy.call('claim_get', { claimId });
    await committed(
      town.insurer.call('claim_adjudicate', {
        practitioner: 'adj-wu',
        claimId,
        outcome: 'unknown',
        lines: [],
      }),
    );
    const { reports } = await work(town, { cursors: fromTheBeginning(), staleClaim });
    assert.deepEqual(actsOf(town), { 'claim.adjudicate': 2 });
    assert.deepEqual(servedIn(reports), []);
  });

  it('waits when the node says so, and leaves to a person what the node will never do', async () => {
    const town = aTown();
    const troubles: readonly Trouble[] = [
      { method: 'event_poll', when: 'before', error: rpcError('unavailable') },
      { method: 'claim_adjudicate', when: 'before', error: rpcError('overloaded') },
      { method: 'claim_adjudicate', when: 'before', error: rpcError('keyUnknown') },
    ];
    await estimate(town, '1');
    const { reports } = await work(town, { cursors: fromTheBeginning(), troubles });
    assert.deepEqual(
      reports.map((report) => (report.kind === 'waits' ? report.reason : report.kind)),
      ['unavailable', 'began', 'overloaded', 'served'],
    );
    assert.deepEqual(servedIn(reports), ['leave: keyUnknown']);
  });

  it('does not answer for another insurer', async () => {
    const town = aTown();
    const estimated = await estimate(town, '1');
    const other = { member: 'rival', practitioner: 'ph-chen', cursors: fromTheBeginning() };
    const { reports } = await work(town, other);
    assert.deepEqual([servedIn(reports), await statusOf(town, estimated)], [[], 'estimated']);
  });

  it('does not begin without its key, or with the cursor of another chain', async () => {
    const town = aTown();
    const wrongChain: CursorStore = {
      read: () => ({ ok: false, refusal: { code: 'wrongChain', path: 'cursor', hint: '' } }),
      save: () => undefined,
    };
    const faults = [
      (await work(town, { practitioner: 'adj-nobody' })).fault,
      (await work(town, { cursors: wrongChain })).fault,
    ];
    assert.deepEqual(faults, ['practitionerUnknown', 'wrongChain']);
  });

  it('stops while no node answers, and keeps its place', async () => {
    const stop = new AbortController();
    const cursors = fromTheBeginning();
    const client: Asked = {
      call: async () => {
        throw new Error('refused to connect');
      },
    };
    const ended = await runAdjudicator({
      client,
      table,
      practitioner: 'adj-wu',
      cursors,
      onReport: () => stop.abort(),
      signal: stop.signal,
    });
    assert.deepEqual([ended.ok, cursors.read('')], [true, { ok: true, value: '0.0' }]);
  });
});
