/** I20 over random lives of a prescription: whoever asks for the sealed documents gets them exactly while the ledger lets them read. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { Documents } from '../../../node/documents.ts';
import { createToken, patientKeys } from '../../../node/patient.ts';
import { sealDocument } from '../../../node/sealer.ts';
import { compareText } from '../../../protocol/bytes.ts';
import { mayRead } from '../../../protocol/fillStatus.ts';
import { readPrescription } from '../../../protocol/prescription.ts';
import { encodeSealedDocument } from '../../../protocol/seal.ts';
import { deriveFillSecret, type FillSecret } from '../../../protocol/token.ts';
import type { Transaction } from '../../../protocol/transaction.ts';
import { rxId } from '../../support/acts.ts';
import { testChainId, valueOf } from '../../support/chain.ts';
import {
  after,
  attempt,
  hospital,
  later,
  name,
  newWorld,
  noon,
  readerOf,
  withWrites,
  type World,
} from '../../support/domain.ts';
import { aSealingKeyPair } from '../../support/keys.ts';
import { actOf } from '../../support/naiveActs.ts';
import { naiveLife } from '../../support/naiveLife.ts';
import { lifeArbitrary, lifeIssue, pharmacies } from '../../support/naiveLives.ts';
import { aFetcher, aLog, aManualClock } from '../../support/nodeParts.ts';

const json = { resourceType: 'MedicationRequest', status: 'active' };
const token = createToken(rxId);
/** Named at the issue, besides the hospital. */
const recipient = 'insurer';
const strangers = ['courier', 'second-hospital', 'regulator'];
const start = after(newWorld, lifeIssue);

/** fetch: from a member that keeps a copy. open: one's own copy. */
type Way = 'fetch' | 'open' | 'openWithSecret';
interface Ask {
  readonly who: string;
  readonly way: Way;
}
/** Whose key opens every copy asks for copies only here: to open one takes a hundred times longer than to decide. */
const askArbitrary: fc.Arbitrary<Ask> = fc.oneof(
  { weight: 6, arbitrary: asksOf(pharmacies, ['fetch', 'open', 'open']) },
  { weight: 2, arbitrary: asksOf(strangers, ['fetch', 'open']) },
  { weight: 1, arbitrary: asksOf(['hospital', recipient], ['fetch']) },
);

function asksOf(members: readonly string[], ways: readonly Way[]): fc.Arbitrary<Ask> {
  return fc.record({ who: fc.constantFrom(...members), way: fc.constantFrom(...ways) });
}

/** After each life, with the secret of a fill in hand. */
const lastAsks: readonly Ask[] = [
  ...[...pharmacies, 'courier'].map((who) => ({ who, way: 'openWithSecret' }) as const),
  { who: 'hospital', way: 'open' },
];

/** An act by which the ledger lets a member read from then on. */
interface Grant {
  readonly to: string;
  readonly timeMs: number;
}

/** The nodes of all members over one ledger, each with its copy of the one document. */
interface Nodes {
  world: World;
  readonly isReleased: (ask: Ask) => Promise<boolean>;
}

async function someNodes(): Promise<Nodes> {
  const recipients = ['hospital', recipient].map((who) => ({
    member: name(who),
    sealingKey: aSealingKeyPair(who).publicKey,
  }));
  const { tokenKeys } = patientKeys(token, 2);
  const order = { chainId: testChainId, docType: 'MedicationRequest', json, recipients, tokenKeys };
  const { document, seal } = valueOf(await sealDocument(order));
  const bytes = encodeSealedDocument(document);
  const issue = { member: hospital, seals: [seal] } as Partial<Transaction> as Transaction;
  const nodeOf = (own: string): Documents =>
    new Documents({
      chainId: testChainId,
      own: name(own),
      keyPair: aSealingKeyPair(own),
      store: { get: () => bytes, put: async () => {}, getPrivate: () => null, putPrivate: async () => {} },
      clock: aManualClock(),
      fetcher: aFetcher({}).fetcher,
      log: { ...aLog(), info: () => {} },
      sealingKeyOf: () => null,
      holders: () => [],
      connected: () => [],
      issueOf: async () => issue,
      mayRead: (member) => {
        const prescription = readPrescription(readerOf(nodes.world), rxId);
        return prescription !== null && mayRead(prescription, member, nodes.world.timeMs);
      },
    });
  const members = ['hospital', recipient, ...pharmacies, ...strangers];
  const own = new Map(members.map((who) => [who, nodeOf(who)]));
  const holder = nodeOf('second-insurer');
  const open = async (who: string, secret: FillSecret | null): Promise<boolean> => {
    const opened = await own.get(who)?.open(rxId, secret);
    if (opened?.ok === true) return true;
    // Without the patient's secret a reader comes as far as the key, and has none.
    const isReader = opened?.refusal.code === 'notARecipient';
    if (secret !== null || !isReader) assert.equal(opened?.refusal.code, 'notPermitted');
    return isReader;
  };
  const nodes: Nodes = {
    world: start,
    isReleased: async ({ who, way }) => {
      if (way !== 'fetch') return open(who, way === 'open' ? null : deriveFillSecret(token, 0));
      const answer = await holder.serve(name(who), rxId, seal.blobHash);
      if (answer.kind !== 'sealed') assert.deepEqual(answer, { kind: 'refused', code: 'notPermitted' });
      return answer.kind === 'sealed';
    },
  };
  return nodes;
}

const pairsArbitrary = lifeArbitrary.chain((life) =>
  fc
    .array(askArbitrary, { minLength: life.length, maxLength: life.length, size: 'max' })
    .map((asks) => ({ life, asks })),
);

describe('sealed documents, over the whole life of a prescription', () => {
  it('are released to exactly those whom an act on the ledger lets read by then, and so keep I20', async function grants() {
    this.timeout(300_000);
    const nodes = await someNodes();
    const counts = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(pairsArbitrary, async ({ life, asks }) => {
        const model = naiveLife(noon);
        const granted: Grant[] = ['hospital', recipient].map((to) => ({ to, timeMs: noon }));
        const check = async (ask: Ask): Promise<void> => {
          const { who, way } = ask;
          const isReader = who === 'hospital' || who === recipient || model.mayRead(who);
          const isReleased = await nodes.isReleased(ask);
          assert.equal(isReleased, isReader, `${who} ${way}`);
          const isGranted = granted.some(({ to, timeMs }) => to === who && timeMs <= nodes.world.timeMs);
          if (isReleased) assert.ok(isGranted, 'I20');
          const answer = isReleased ? 'released' : isGranted ? 'ended' : 'refused';
          const key = `${who} ${way}: ${answer}`;
          counts.set(key, (counts.get(key) ?? 0) + 1);
        };
        nodes.world = start;
        for (const [index, command] of life.entries()) {
          const isAccepted = model.apply(command);
          if (command.kind === 'wait') nodes.world = later(nodes.world, command.ms);
          else {
            const result = attempt(nodes.world, actOf(nodes.world, command));
            assert.equal(result.ok, isAccepted);
            if (result.ok) nodes.world = withWrites(nodes.world, result.value);
            const isGrant = command.kind === 'reserve' || command.kind === 'dispense';
            if (result.ok && isGrant) granted.push({ to: command.who, timeMs: nodes.world.timeMs });
          }
          await check(asks[index] ?? assert.fail('an ask for each command'));
        }
        for (const ask of lastAsks) await check(ask);
      }),
      { numRuns: 1_000 },
    );
    const answers = (who: string): readonly string[] =>
      [...counts.keys()].filter((key) => key.startsWith(`${who} `)).toSorted(compareText);
    const ways = ['fetch', 'open', 'openWithSecret'];
    for (const who of pharmacies) {
      const all = ways.flatMap((way) =>
        ['ended', 'refused', 'released'].map((answer) => `${who} ${way}: ${answer}`),
      );
      assert.deepEqual(answers(who), all, 'else the lives would prove little');
    }
    assert.deepEqual(answers('hospital'), ['hospital fetch: released', 'hospital open: released']);
    assert.deepEqual(answers(recipient), [`${recipient} fetch: released`]);
    for (const who of strangers) for (const key of answers(who)) assert.match(key, /: refused$/);
  });
});
