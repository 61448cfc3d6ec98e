/** Random lives of a prescription as chains of blocks, under clocks that go as they like: I14, I15, I21, and I22 over every public byte. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { VerifiedBatch } from '../../../node/gate.ts';
import { patientKeys, type PatientKeys } from '../../../node/patient.ts';
import { eventAt } from '../../../node/rpc/events.ts';
import type { LedgerPort } from '../../../node/rpc/ports.ts';
import { prescriptionView } from '../../../node/rpc/views.ts';
import { sealDocument } from '../../../node/sealer.ts';
import { encodeHeader, headerDigest, type Block } from '../../../protocol/block.ts';
import type { Timestamp, Verified } from '../../../protocol/brand.ts';
import { concatBytes, utf8ToBytes } from '../../../protocol/bytes.ts';
import { encodeIdRow } from '../../../protocol/executedId.ts';
import { present } from '../../../protocol/invariant.ts';
import type { Execution } from '../../../protocol/ledger.ts';
import { prescriptionRecordKey, readPrescription } from '../../../protocol/prescription.ts';
import { refused } from '../../../protocol/result.ts';
import type { Seal } from '../../../protocol/seal.ts';
import { encodeStamp, makeStamp } from '../../../protocol/stamp.ts';
import { encodeStateStamp, makeStateStamp } from '../../../protocol/stateStamp.ts';
import type { Transaction } from '../../../protocol/transaction.ts';
import { aCancel, rxId } from '../../support/acts.ts';
import { valueOf } from '../../support/chain.ts';
import { dayMs, hourMs, idOf, keyOf, name, readerOf, type Act } from '../../support/domain.ts';
import {
  batchesOf,
  buildNext,
  keysOfPatient,
  lifeChainId,
  lifeNode,
  signedBy,
  transactionOf,
  worldOf,
  type Carried,
  type LifeNode,
  type Tables,
} from '../../support/lifeChain.ts';
import { actOf } from '../../support/naiveActs.ts';
import type { Command } from '../../support/naiveCommand.ts';
import { lifeArbitrary, lifeIssue } from '../../support/naiveLives.ts';
import { leakIn, planted, type Planted } from '../../support/planted.ts';
import { finalityOf } from '../../support/stamps.ts';
import { withoutClock } from '../../support/withoutClock.ts';

/** What the leader's clock says at a block, after the time of the block before: it stands still, goes back, and jumps. */
const jumpMs = fc.constantFrom(-dayMs, -1, 0, 0.5, 1, 1, 2, 250, hourMs);

/**
 * What comes beside the acts. again: all of the block before, in its own lanes and in another's. resigned: copies of all under the
 * signature of another. copiedId: other acts under their ids and names, by another. reusedId: another act under an id of the block before.
 */
type Extra = 'nothing' | 'again' | 'resigned' | 'copiedId' | 'reusedId';
const extras: readonly Extra[] = ['nothing', 'again', 'resigned', 'copiedId', 'reusedId'];

interface Plan {
  readonly life: readonly Command[];
  /** For each block: how many acts at most, how the clock went, and what else was in it. */
  readonly blocks: readonly { readonly actCount: number; readonly jumpMs: number; readonly extra: Extra }[];
  readonly seed: number;
}

const planArbitrary: fc.Arbitrary<Plan> = fc.record({
  life: lifeArbitrary,
  blocks: fc.array(
    fc.record({ actCount: fc.integer({ min: 8, max: 40 }), jumpMs, extra: fc.constantFrom(...extras) }),
    {
      minLength: 8,
      maxLength: 8,
    },
  ),
  seed: fc.noBias(fc.nat()),
});

interface Built {
  readonly block: Block;
  readonly batches: readonly VerifiedBatch[];
  readonly execution: Execution;
}

interface Patient {
  readonly data: Planted;
  readonly keys: PatientKeys;
  readonly seal: Seal;
}

async function aPatient(seed: number): Promise<Patient> {
  const data = planted(rxId, seed);
  const keys = patientKeys(data.token, 2);
  const order = { chainId: lifeChainId, docType: 'MedicationRequest', json: data.document, recipients: [] };
  const { seal } = valueOf(await sealDocument({ ...order, tokenKeys: keys.tokenKeys }));
  return { data, keys, seal };
}

/** The issue of the life, with the patient's own keys and the sealed document. */
function issueFor({ keys, seal }: Patient): Act {
  const { action } = lifeIssue;
  assert.equal(action.kind, 'rx.issue');
  const fills = action.body.fills.map((fill, k) => {
    const { redeemKey, receiptHash } = present(keys.fills[k], 'keys for each fill');
    return { ...fill, redeemKey, receiptHash };
  });
  const body = { ...action.body, ownerKey: keys.owner.publicKey, fills };
  return { ...lifeIssue, action: { kind: 'rx.issue', body }, seals: [seal] };
}

type ActCommand = Exclude<Command, { readonly kind: 'wait' }>;

interface Chunk {
  readonly acts: readonly ActCommand[];
  readonly jump: number;
  readonly extra: Extra;
}

/** Acts up to the next wait, which lengthens the jump of the clock. */
function* chunksOf({ life, blocks }: Plan): Generator<Chunk> {
  let acts: ActCommand[] = [];
  let next = 0;
  const shape = (): Plan['blocks'][number] => present(blocks[next % blocks.length], 'some blocks');
  for (const command of life) {
    if (command.kind !== 'wait') acts.push(command);
    const isFull = acts.length >= shape().actCount;
    if (acts.length === 0 || (command.kind !== 'wait' && !isFull)) continue;
    const { jumpMs: jump, extra } = shape();
    yield { acts, jump: jump + (command.kind === 'wait' ? command.ms : 0), extra };
    acts = [];
    next += 1;
  }
  if (acts.length > 0) yield { acts, jump: shape().jumpMs, extra: shape().extra };
}

/** One node leads all the way, by a clock that goes as the plan says. */
function build(
  plan: Plan,
  patient: Patient,
): { readonly leader: LifeNode; readonly chain: readonly Built[] } {
  const leader = lifeNode();
  const keys = keysOfPatient(patient.keys);
  const chain: Built[] = [];
  let number = 0;
  let before: readonly Verified<Transaction>[] = [];
  const add = (acts: (timeMs: number) => readonly Act[], { jump, extra }: Omit<Chunk, 'acts'>): void => {
    const parentMs = leader.head().timeMs;
    const nowMs = parentMs + jump;
    const timeMs = Math.max(Math.floor(nowMs), parentMs + 1);
    const own = acts(timeMs).map((act): Verified<Transaction> => {
      number += 1;
      return transactionOf(act, { number, timeMs, keys });
    });
    const carried = [...inOwnLanes(own), ...extraOf(extra, { own, before, timeMs })];
    const batches = batchesOf(leader, carried);
    for (const batch of batches) leader.pool.add(batch, { isOrdered: false });
    const block = buildNext(leader, nowMs);
    assert.equal(block.header.timeMs, timeMs, 'I14: the clock, but above the parent');
    const { execution } = present(leader.executor.get(headerDigest(block.header)), 'executed');
    checkOnce(execution, { own, before, extra });
    leader.commit(block, execution);
    chain.push({ block, batches, execution });
    before = own;
  };
  add(() => [issueFor(patient)], { jump: 1, extra: 'nothing' });
  for (const { acts, ...how } of chunksOf(plan)) {
    add((timeMs) => acts.map((command) => actOf(worldOf(leader, timeMs), command)), how);
  }
  return { leader, chain };
}

const inOwnLanes = (transactions: readonly Verified<Transaction>[]): readonly Carried[] =>
  transactions.map((transaction) => ({ lane: transaction.member, transaction }));

/** A member that has nothing to do with the prescription, and copies what it reads in batches that wait. */
const copier = name('second-insurer');

interface Beside {
  readonly own: readonly Verified<Transaction>[];
  readonly before: readonly Verified<Transaction>[];
}

function extraOf(
  extra: Extra,
  { own, before, timeMs }: Beside & { readonly timeMs: number },
): readonly Carried[] {
  const byCopier = (transactions: readonly Verified<Transaction>[]): readonly Carried[] =>
    transactions.map((transaction) => ({ lane: copier, transaction }));
  const other = ({ id, member }: Transaction): Verified<Transaction> => {
    const act = aCancel({ member, keys: [keyOf('copier')], body: { rxId: idOf('no prescription') } });
    return transactionOf(act, { number: Number(`0x${id}`), timeMs, keys: new Map() });
  };
  switch (extra) {
    case 'nothing':
      return [];
    case 'again':
      return [...inOwnLanes(before), ...byCopier(before)];
    case 'resigned':
      return byCopier(own.map((transaction) => signedBy(transaction, keyOf('copier'))));
    case 'copiedId':
      return byCopier(own.map(other));
    case 'reusedId':
      return inOwnLanes(before.slice(0, 1).map(other));
    default:
      return extra satisfies never;
  }
}

/** I15: what is new has one receipt, whoever copied it; what was executed has none again; what a member used stays its own. */
function checkOnce(
  { receipts }: Execution,
  { own, before, extra }: Beside & { readonly extra: Extra },
): void {
  const codes = new Map(receipts.map(({ txId, code }) => [txId, code]));
  assert.equal(codes.size, receipts.length, 'I15: one receipt each');
  for (const { txId } of own) {
    assert.ok(codes.has(txId), 'I15: a receipt for each');
    assert.notEqual(codes.get(txId), 'idReused', 'I15: nobody else takes an id');
    assert.notEqual(codes.get(txId), 'keyUnknown', 'I13: nobody else signs');
    codes.delete(txId);
  }
  for (const { txId } of before) assert.ok(!codes.has(txId), 'I15: executed once');
  const isBeside = extra === 'copiedId' || extra === 'reusedId';
  const codesBeside = isBeside ? ['idReused', 'prescriptionUnknown'] : [];
  for (const code of codes.values()) assert.ok(codesBeside.includes(code ?? 'committed'), `I15: ${code}`);
  if (extra === 'copiedId') assert.equal(codes.size, own.length);
  if (extra === 'reusedId') assert.equal(codes.size, 1);
}

/** Another node, elsewhere and later: it refuses every block at a time that does not rise, and comes to the same with the others. */
function replay(chain: readonly Built[]): LifeNode {
  const voter = lifeNode();
  for (const [index, { block, batches, execution }] of chain.entries()) {
    for (const batch of batches) voter.pool.add(batch, { isOrdered: true });
    const before = voter.head().timeMs;
    const timeMs = (index % 2 === 0 ? before : before - 1 - index) as Timestamp;
    const early = { ...block, header: { ...block.header, timeMs } };
    const verdict = voter.executor.execute(early, headerDigest(early.header));
    assert.deepEqual(verdict, refused('headerInvalid', 'timeMs'), 'I14');
    const executed = valueOf(voter.executor.execute(block, headerDigest(block.header)));
    assert.deepEqual(executed.execution.receiptBytes, execution.receiptBytes, 'I21: receipts');
    assert.equal(executed.execution.stateRoot, execution.stateRoot, 'I21');
    voter.commit(block, executed.execution);
  }
  return voter;
}

/** Byte for byte. */
function assertSame(one: Tables, other: Tables): void {
  for (const table of ['records', 'pages'] as const) {
    assert.equal(one[table].size, other[table].size, table);
    for (const [key, bytes] of one[table])
      assert.equal(Buffer.compare(bytes, other[table].get(key) ?? new Uint8Array()), 0, key);
  }
  assert.deepEqual(one.seen, other.seen);
}

/** Everything that other members see: blocks, transactions, receipts, all that ever stood in the state, events, answers and stamps. */
function publicBytes(leader: LifeNode, chain: readonly Built[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const built of chain) {
    const { block, batches, execution } = built;
    const { records, seen } = execution.writes;
    parts.push(
      encodeHeader(block.header),
      ...batches.map(({ batch }) => batch.bytes),
      ...execution.receiptBytes,
    );
    for (const [key, value] of records) parts.push(utf8ToBytes(key), value ?? new Uint8Array());
    parts.push(...seen.map(encodeIdRow), utf8ToBytes(JSON.stringify(execution.subjects)));
    parts.push(utf8ToBytes(eventsText(built)));
  }
  const { timeMs } = leader.head();
  const state = readerOf(worldOf(leader, timeMs));
  const prescription = present(readPrescription(state, rxId), 'issued');
  parts.push(utf8ToBytes(JSON.stringify(prescriptionView(state, prescription, timeMs))));
  return concatBytes(...parts, ...stampsOf(leader, chain));
}

/** What `event_poll` tells of the block. */
function eventsText({ batches, execution }: Built): string {
  const all = new Map(
    batches.flatMap(({ transactions }) => transactions.map((own) => [own.txId, own] as const)),
  );
  const ledger: Pick<LedgerPort, 'receiptAt' | 'transactionOf'> = {
    receiptAt: ({ index }) => execution.receipts[index] ?? null,
    transactionOf: (txId) => all.get(txId) ?? null,
  };
  const events = execution.receipts.map(({ height, index }) =>
    eventAt(ledger as LedgerPort, { height, index }),
  );
  assert.ok(!events.includes(null), 'an event for each receipt');
  return JSON.stringify(events);
}

/** Of the issue, and of the prescription as it is at the end. */
function stampsOf({ tables }: LifeNode, chain: readonly Built[]): readonly Uint8Array[] {
  const [{ block, batches, execution }, last] = [
    present(chain[0], 'the issue'),
    present(chain.at(-1), 'a block'),
  ];
  const transaction = present(batches[0]?.transactions[0], 'the issue').envelopeBytes;
  const { receipts } = execution;
  const stamp = makeStamp({ transaction, receipts, index: 0, finality: finalityOf(block.header) });
  const view = {
    get: (key: string) => tables.records.get(key) ?? null,
    page: (path: string) => tables.pages.get(path) ?? null,
    seen: () => null,
  };
  const finality = finalityOf(last.block.header);
  return [encodeStamp(stamp), encodeStateStamp(makeStateStamp(view, prescriptionRecordKey(rxId), finality))];
}

/** Copies of an act with a sentence in place of each of its words in turn. */
function withSentences(act: Act, sentence: string): readonly Act[] {
  const body: Readonly<Record<string, unknown>> = { ...act.action.body };
  const words = Object.keys(body).filter((field) => typeof body[field] === 'string');
  return words.map((field) => ({
    ...act,
    action: { ...act.action, body: { ...body, [field]: sentence } } as unknown as Act['action'],
  }));
}

describe('lives in blocks', () => {
  it('rise in time, happen once, are the same at every node whatever its clock says, and hold no patient data: I14, I15, I21, I22', async function wholeChain() {
    this.timeout(900_000);
    const codes = new Set<string>();
    let rises = 0;
    await fc.assert(
      fc.asyncProperty(planArbitrary, async (plan) => {
        const patient = await aPatient(plan.seed);
        const { leader, chain } = build(plan, patient);
        const voter = withoutClock(() => replay(chain));
        assertSame(leader.tables, voter.tables);
        assert.equal(leakIn(publicBytes(leader, chain), patient.data), null, 'I22');
        for (const { execution } of chain)
          for (const { code } of execution.receipts) codes.add(code ?? 'committed');
        rises += chain.filter(
          ({ block }, index) => block.header.timeMs - (chain[index - 1]?.block.header.timeMs ?? 0) === 1,
        ).length;
      }),
      { numRuns: 1_000 },
    );
    // Else the lives would prove little.
    assert.ok(codes.size > 20, [...codes].join());
    assert.ok(rises > 500, 'blocks that are one millisecond apart');
  });

  it('take no sentence in any word of any act (I22)', () => {
    const keys = keysOfPatient(patientKeys(planted(rxId, 0).token, 2));
    let tried = 0;
    fc.assert(
      fc.property(lifeArbitrary, fc.nat(), (life, seed) => {
        const { texts } = planted(rxId, seed);
        const sentences = texts.filter((text) => /[^A-Za-z0-9._:-]/.test(text));
        const leader = lifeNode();
        for (const [index, command] of life.entries()) {
          if (command.kind === 'wait') continue;
          const timeMs = leader.head().timeMs + 1;
          const act = actOf(worldOf(leader, timeMs), command);
          const sentence = present(sentences[index % sentences.length], 'some sentences');
          for (const bad of withSentences(act, sentence)) {
            assert.throws(() => transactionOf(bad, { number: index, timeMs, keys }), act.action.kind);
            tried += 1;
          }
        }
      }),
      { numRuns: 10 },
    );
    assert.ok(tried > 500);
  });
});

describe('the search for patient data', () => {
  const data = planted(rxId, 7);

  it('finds every text and secret in every form, wherever it stands', () => {
    const noise = Buffer.alloc(1_000, 0xa5);
    for (const token of [...data.texts.map((text) => Buffer.from(text)), ...data.secrets]) {
      const bytes = Buffer.from(token);
      const padded = [0, 1, 2].map((count) =>
        Buffer.concat([noise.subarray(0, count), bytes, noise.subarray(0, 5)]),
      );
      const hidden = [
        bytes,
        Buffer.from(bytes.toString('hex')),
        ...padded.map((each) => Buffer.from(each.toString('base64'))),
        ...padded.map((each) => Buffer.from(each.toString('base64url'))),
      ];
      for (const form of hidden) assert.notEqual(leakIn(Buffer.concat([noise, form, noise]), data), null);
    }
    assert.equal(leakIn(noise, data), null);
    assert.notEqual(leakIn(utf8ToBytes(JSON.stringify(data.document)), data), null);
    assert.notEqual(leakIn(Buffer.from(data.texts[0] ?? '', 'utf16le'), data), null);
  });
});
