/**
 * Clients of JSON-RPC that act on the same prescriptions at whatever node runs, and write down what they asked, what they were told, and
 * when. What nobody answered stays unknown for ever.
 */
import type { Supervisor } from '../../devnet/supervisor.ts';
import { connect, RpcError, type RpcClient } from '../../node/rpc/client.ts';
import type { PrescriptionView } from '../../node/rpc/views.ts';
import { bytesToHex } from '../../protocol/bytes.ts';
import { seededRandom, type Random } from '../../devnet/generator/random.ts';
import { eventually, pause, runningVoters, voters } from '../support/cluster.ts';
import { signWrite, type Case, type CaseBook, type Write } from './cases.ts';
import type { Operation, Outcome } from './prescription.ts';

const clientCount = 8;
const receiptWaitMs = 2_000;
const answerWaitMs = 4_000;
const thinkMsMax = 200;
const servedMsMax = 120_000;
/** How often a client that got no answer sends the same bytes again, perhaps to another node. */
const sendAgainChance = 0.5;

/** `nothing`: the node said, or the closed port did, that the act was not taken. Null: unknown. */
type Answer = Outcome | 'nothing' | null;

interface Told {
  readonly answer: Answer;
  readonly node: string;
}

export interface History {
  readonly operations: readonly Operation[];
  /** Acts of which we were told that they never happened; should one show all the same, no order explains it. */
  readonly nothingCount: number;
}

/** Errors that say: the call never came to a node. */
const notSentCodes: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ENOENT']);

function answerOfError(error: unknown): Answer {
  if (error instanceof RpcError) {
    const isTold = error.errorName !== null && error.errorName !== 'internalError';
    return isTold ? 'nothing' : null;
  }
  const cause: unknown = error instanceof Error ? error.cause : null;
  const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : null;
  return notSentCodes.has(code) ? 'nothing' : null;
}

async function submit(client: RpcClient, bytes: Uint8Array): Promise<Answer> {
  try {
    const transaction = `0x${bytesToHex(bytes)}`;
    const result = await client.call('tx_submit', { transaction, timeoutMs: receiptWaitMs });
    const { status, code, height, index } = result;
    if (height === null || index === null) return status === 'expired' ? 'nothing' : null;
    const place = { height, index };
    return code === null ? { kind: 'committed', place } : { kind: 'refused', code, place };
  } catch (error) {
    return answerOfError(error);
  }
}

function viewOf({ fills }: PrescriptionView): Extract<Outcome, { readonly kind: 'seen' }>['view'] {
  const [fill] = fills;
  if (fill === undefined) throw new Error('a prescription without a fill');
  const isHeld = fill.status === 'reserved' || fill.status === 'dispensing';
  return {
    status: fill.status,
    holder: isHeld ? fill.holder : null,
    remaining: fill.remaining[0]?.units ?? 0,
  };
}

async function read(client: RpcClient, rxId: string): Promise<Answer> {
  try {
    const { asOfHeight, prescription } = await client.call('rx_get', { rxId: `0x${rxId}` });
    return { kind: 'seen', view: viewOf(prescription), height: asOfHeight };
  } catch (error) {
    const isUnknown = error instanceof RpcError && error.errorName === 'prescriptionUnknown';
    // A read that failed changed nothing, whatever became of it.
    return isUnknown ? { kind: 'seen', view: null, height: null } : 'nothing';
  }
}

/** The clients of one history. */
export class Clients {
  readonly #devnet: Supervisor;
  readonly #cases: CaseBook;
  readonly #nodes: ReadonlyMap<string, RpcClient>;
  readonly #operations: Operation[] = [];
  #nothingCount = 0;

  constructor(devnet: Supervisor, cases: CaseBook) {
    this.#devnet = devnet;
    this.#cases = cases;
    this.#nodes = new Map(
      voters.map((name) => {
        const target = { socketPath: devnet.node(name).rpcSocket };
        return [name, connect(target, { timeoutMs: answerWaitMs })];
      }),
    );
  }

  get history(): History {
    return { operations: this.#operations, nothingCount: this.#nothingCount };
  }

  /** Resolves when so many more writes have an outcome than at the call. Rejects after two minutes. */
  async served(writeCount: number): Promise<void> {
    const knownCount = (): number =>
      this.#operations.filter(({ act, outcome }) => act.kind !== 'read' && outcome !== null).length;
    const wanted = knownCount() + writeCount;
    const isServed = async (): Promise<true | null> => Promise.resolve(knownCount() >= wanted ? true : null);
    await eventually(`${writeCount} writes are answered`, isServed, servedMsMax);
  }

  close(): void {
    for (const client of this.#nodes.values()) client.close();
  }

  /** Each client does one thing after the other until the signal; resolves when the last one has its answer. */
  async run(seed: number, until: AbortSignal): Promise<void> {
    const work = async (client: number): Promise<void> => {
      const random = seededRandom(seed * clientCount + client);
      while (!until.aborted) {
        await this.#actOnce(client, random);
        await pause(random.below(thinkMsMax));
      }
    };
    await Promise.all(Array.from({ length: clientCount }, (_, client) => work(client)));
  }

  /** One more read of every prescription at every node that runs. */
  async readAll(): Promise<void> {
    for (const node of runningVoters(this.#devnet)) {
      for (const { token } of this.#cases.all) {
        const act = { kind: 'read' } as const;
        await this.#record({ client: clientCount, rxId: token.rxId, act }, async () => ({
          answer: await read(this.#client(node), token.rxId),
          node,
        }));
      }
    }
  }

  async #actOnce(client: number, random: Random): Promise<void> {
    const { on, act } = this.#cases.next(random);
    const { rxId } = on.token;
    const node = this.#anyNode(random);
    if (node === null) return;
    const isRead = act.kind === 'read';
    await this.#record({ client, rxId, act }, async () =>
      isRead
        ? { answer: await read(this.#client(node), rxId), node }
        : this.#write({ on, act, node, random }),
    );
  }

  async #record(asked: Pick<Operation, 'client' | 'rxId' | 'act'>, ask: () => Promise<Told>): Promise<void> {
    const invokedAt = performance.now();
    const { answer, node } = await ask();
    if (answer === 'nothing') this.#nothingCount += 1;
    else
      this.#operations.push({ ...asked, node, outcome: answer, invokedAt, completedAt: performance.now() });
  }

  /** The same bytes sent twice are one act: whatever either answer says holds. */
  async #write(order: {
    readonly on: Case;
    readonly act: Write;
    readonly node: string;
    readonly random: Random;
  }): Promise<Told> {
    const { on, act, node, random } = order;
    const { bytes } = signWrite(this.#devnet.consortium, on, act);
    const first = await submit(this.#client(node), bytes);
    const other = this.#anyNode(random);
    if (first !== null || other === null || !random.chance(sendAgainChance)) return { answer: first, node };
    const second = await submit(this.#client(other), bytes);
    return { answer: second === 'nothing' ? null : second, node: other };
  }

  #anyNode(random: Random): string | null {
    const names = runningVoters(this.#devnet);
    return names.length === 0 ? null : random.pick(names);
  }

  #client(node: string): RpcClient {
    const client = this.#nodes.get(node);
    if (client === undefined) throw new RangeError(`${node} is no voter`);
    return client;
  }
}
