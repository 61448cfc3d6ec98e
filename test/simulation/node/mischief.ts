/**
 * Dishonest machines: the real node with its key, and a network that says something else in its name. Each has a part of these habits, and
 * keeps them after the healing, until the world falls idle.
 */
import type { Network, NetworkHandlers } from '../../../node/network/ports.ts';
import { sealBatch } from '../../../protocol/batch.ts';
import { batchesRoot, headerDigest, type Block } from '../../../protocol/block.ts';
import type {
  Digest,
  Epoch,
  Height,
  MemberName,
  Sequence,
  Signature,
  View,
  VoterIndex,
} from '../../../protocol/brand.ts';
import { decodeMessage, encodeMessage, type ConsensusMessage } from '../../../protocol/message.ts';
import type { Proposal } from '../../../protocol/proposal.ts';
import { decodeAnswer, encodeAnswer, type SyncAnswer } from '../../../protocol/sync.ts';
import { consensusSigningBytes, type Ballot, type Vote } from '../../../protocol/vote.ts';
import { transactionCount } from './cast.ts';
import type { Random } from '../../../devnet/generator/random.ts';
import { later, type Process, type World } from './world.ts';

const habits = [
  'equivocates',
  'isSilent',
  'isSlow',
  'withholds',
  'forges',
  'liesInSync',
  'namesHugeViews',
  'floods',
  'sealsBadBatches',
  'repeatsOldEpochs',
] as const;
type Habit = (typeof habits)[number];

const hugeView: View = (2 ** 47) as View;
const floodSize = 30;
const repeatedCount = 4;
const actEveryMs = 150;

/** What a dishonest process says in place of what its engine orders. */
export function mischievousNetwork(world: World, process: Process, network: Network): Network {
  if (process.machine.isHonest) return network;
  const mischief = new Mischief(world, process, network);
  return {
    ...network,
    broadcastConsensus: (frame, to) => mischief.broadcast(frame, to ?? null),
    sendConsensus: (to, frame) => mischief.send(to, frame),
    publishBatch: (bytes) => mischief.publishBatch(bytes),
  };
}

/** What a dishonest process answers in place of what its engine knows. */
export function mischievousHandlers(
  world: World,
  process: Process,
  handlers: NetworkHandlers,
): NetworkHandlers {
  if (process.machine.isHonest) return handlers;
  return {
    ...handlers,
    onRequest: async (from, bytes) => {
      const answer = await handlers.onRequest(from, bytes);
      return habitsOf(world, process).has('liesInSync') ? lie(world, answer) : answer;
    },
  };
}

const drawn = new WeakMap<object, ReadonlySet<Habit>>();

/** For life, whatever its process. */
function habitsOf(world: World, { machine }: Process): ReadonlySet<Habit> {
  if (world.isIdle) return new Set();
  const known = drawn.get(machine) ?? drawHabits(world.random);
  drawn.set(machine, known);
  return known;
}

function drawHabits(random: Random): ReadonlySet<Habit> {
  const chosen = habits.filter(() => random.chance(0.3));
  return new Set(chosen.length > 0 ? chosen : [random.pick(habits)]);
}

class Mischief {
  readonly #world: World;
  readonly #process: Process;
  readonly #network: Network;
  readonly #others: readonly MemberName[];
  /** The newest proposals that it made or voted for. */
  #digests: Digest[] = [];
  #sequence = 1;

  constructor(world: World, process: Process, network: Network) {
    this.#world = world;
    this.#process = process;
    this.#network = network;
    this.#others = world.machines.filter((other) => other !== process.machine).map(({ name }) => name);
    later(world, actEveryMs, () => this.#act());
  }

  #has(habit: Habit): boolean {
    return habitsOf(this.#world, this.#process).has(habit);
  }

  broadcast(frame: Uint8Array, to: readonly MemberName[] | null): void {
    // Its own engine counts what it ordered, whoever gets to hear it.
    this.#world.watch.onFrameSent(this.#process, frame);
    const message = decodeMessage(frame);
    for (const name of to ?? this.#others) {
      const twisted = message.ok ? this.#twist(message.value) : null;
      if (twisted !== null) this.#say(name, encodeMessage(twisted));
      // An equivocator says both things to some, and to others one of them.
      if (twisted === null || this.#world.random.chance(0.3)) this.send(name, frame);
    }
  }

  send(to: MemberName, frame: Uint8Array): boolean {
    const { random, counts, plan } = this.#world;
    if (this.#has('isSilent') && random.chance(0.7)) {
      counts.add('Byzantine message');
      return true;
    }
    if (!this.#has('isSlow')) return this.#network.sendConsensus(to, frame);
    counts.add('Byzantine message');
    later(this.#world, random.below(5 * plan.deltaMs), () => this.#network.sendConsensus(to, frame));
    return true;
  }

  publishBatch(bytes: Uint8Array): void {
    if (!this.#has('withholds')) this.#network.publishBatch(bytes);
    else this.#world.counts.add('Byzantine message');
  }

  /** Something else in place of an honest statement; null to let it stand. */
  #twist(message: ConsensusMessage): ConsensusMessage | null {
    const { random } = this.#world;
    if (message.kind === 'proposal') {
      this.#remember(headerDigest(message.proposal.block.header));
      if (!this.#has('equivocates') || !random.chance(0.6)) return null;
      return { kind: 'proposal', proposal: this.#otherProposal(message.proposal) };
    }
    if (message.kind === 'status' && this.#has('namesHugeViews')) {
      const status = {
        ...message.status,
        view: hugeView,
        finalView: hugeView,
        finalHeight: hugeHeight(random),
      };
      return { kind: 'status', status };
    }
    if (message.kind !== 'vote') return null;
    if (message.vote.digest !== null) this.#remember(message.vote.digest);
    if (this.#has('forges') && random.chance(0.1))
      return { kind: 'vote', vote: this.#forgedVote(message.vote) };
    if (!this.#has('equivocates') || !random.chance(0.6)) return null;
    return { kind: 'vote', vote: this.#otherVote(message.vote) };
  }

  #remember(digest: Digest): void {
    if (!this.#digests.includes(digest)) this.#digests = [digest, ...this.#digests].slice(0, 4);
  }

  #otherVote({ epoch, view }: Vote): Vote {
    const { random } = this.#world;
    const kind = this.#digests.length === 0 ? 'skip' : random.pick(['prepare', 'commit', 'skip'] as const);
    const digest = kind === 'skip' ? null : random.pick(this.#digests);
    return this.#signed({ kind, epoch, view: (view - random.below(Math.min(2, view))) as View, digest });
  }

  /** In its own place among the voters; in the first, if it has none. */
  #signed(ballot: Ballot): Vote {
    const { signer, engine } = this.#process;
    const message = consensusSigningBytes(this.#world.cast.chainId, ballot);
    const voter = engine?.state.config.own ?? (0 as VoterIndex);
    return { ...ballot, voter, signature: signer.sign(message) };
  }

  #epoch(): Epoch {
    return this.#process.engine?.voters.epoch ?? this.#world.cast.voters.epoch;
  }

  /** In another member's name: with our own signature, which is not theirs. */
  #forgedVote(vote: Vote): Vote {
    const voter = this.#world.random.below(this.#world.machines.length + 2) as VoterIndex;
    const signature = this.#signed(vote).signature;
    return { ...vote, voter, signature: signature.replace(/^../, 'ff') as Signature };
  }

  #otherProposal(proposal: Proposal): Proposal {
    const { signer } = this.#process;
    const block = twistedBlock(this.#world.random, proposal.block);
    const { epoch, view } = block.header;
    const statement = { kind: 'propose', epoch, view, digest: headerDigest(block.header) } as const;
    const signature = signer.sign(consensusSigningBytes(this.#world.cast.chainId, statement));
    return { ...proposal, block, signature };
  }

  /** Unasked, now and then. */
  #act(): void {
    const world = this.#world;
    if (!this.#process.isAlive) return;
    if (this.#has('namesHugeViews')) this.#speakOfHugeViews();
    if (this.#has('floods')) this.#flood();
    if (this.#has('sealsBadBatches')) this.#sealBadBatch();
    if (this.#has('repeatsOldEpochs')) this.#repeatOldEpochs();
    later(world, 1 + world.random.below(2 * actEveryMs), () => this.#act());
  }

  #speakOfHugeViews(): void {
    const epoch = this.#epoch();
    const view = (hugeView - this.#world.random.below(1_000)) as View;
    const vote = this.#signed({ kind: 'skip', epoch, view, digest: null });
    const wanted: ConsensusMessage = {
      kind: 'certificatesWanted',
      epoch,
      fromView: 1 as View,
      toView: hugeView,
    };
    for (const name of this.#others) {
      this.#say(name, encodeMessage({ kind: 'vote', vote }));
      this.#say(name, encodeMessage(wanted));
    }
  }

  /** Votes for the next views, each of them good. */
  #flood(): void {
    const { random } = this.#world;
    const epoch = this.#epoch();
    const view = this.#process.engine?.state.view ?? 1;
    const to = random.pick(this.#others);
    for (let count = 0; count < floodSize; count += 1) {
      const ahead = (view + random.below(80)) as View;
      const vote = this.#signed({ kind: 'skip', epoch, view: ahead, digest: null });
      this.#say(to, encodeMessage({ kind: 'vote', vote }));
    }
  }

  /** A sequence used twice, one far ahead, or a transaction that nobody signed. */
  #sealBadBatch(): void {
    const { random, cast, counts } = this.#world;
    const { member, signer, transaction: signedBy } = this.#process.machine.member;
    const transaction = signedBy(random.below(transactionCount));
    const bytes = new Uint8Array(transaction.bytes);
    if (random.chance(0.2)) bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    this.#sequence += random.below(3);
    const sequence = (random.chance(0.8) ? this.#sequence : random.below(2 ** 40) + 1) as Sequence;
    const batch = sealBatch(
      { chainId: cast.chainId, member: member.name, sequence, envelopes: [bytes] },
      signer,
    );
    counts.add('Byzantine message');
    this.#network.publishBatch(batch.bytes);
  }

  /** What others said in epochs that are over. */
  #repeatOldEpochs(): void {
    const { random, weather, counts } = this.#world;
    if (weather.outdated.length === 0) return;
    const to = random.pick(this.#others);
    for (let count = 0; count < repeatedCount; count += 1) {
      counts.add('message of an older epoch');
      this.#network.sendConsensus(to, random.pick(weather.outdated).bytes);
    }
  }

  #say(to: MemberName, frame: Uint8Array): void {
    this.#world.counts.add('Byzantine message');
    this.#network.sendConsensus(to, frame);
  }
}

function hugeHeight(random: Random): Height {
  return (random.chance(0.5) ? hugeView : random.below(10_000)) as Height;
}

/** A block that differs from the honest one in one thing; some of them are valid all the same. */
function twistedBlock(random: Random, { header, batchDigests }: Block): Block {
  const wrong = header.stateRoot.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) as Digest;
  const fewer = batchDigests.slice(0, random.below(batchDigests.length + 1));
  return random.pick<Block>([
    {
      header: { ...header, timeMs: (header.timeMs + 1 + random.below(50)) as typeof header.timeMs },
      batchDigests,
    },
    { header: { ...header, stateRoot: wrong }, batchDigests },
    { header: { ...header, height: (header.height + 1) as Height }, batchDigests },
    { header: { ...header, batchesRoot: batchesRoot(fewer) }, batchDigests: fewer },
    { header: { ...header, batchesRoot: batchesRoot([wrong]) }, batchDigests: [wrong] },
  ]);
}

/** Another answer of the same kind, or none. */
function lie(world: World, bytes: Uint8Array): Uint8Array {
  const { random, counts } = world;
  const answer = decodeAnswer(bytes);
  if (!answer.ok || random.chance(0.3)) return bytes;
  counts.add('Byzantine message');
  return encodeAnswer(liedAnswer(random, answer.value));
}

function liedAnswer(random: Random, answer: SyncAnswer): SyncAnswer {
  if (answer.kind === 'batches') {
    return { kind: 'batches', batches: random.chance(0.5) ? [] : answer.batches.toReversed() };
  }
  if (answer.kind !== 'blocks') return { kind: 'refused', code: 'busy' };
  const { blocks } = answer;
  const certificate = blocks.at(-1)?.certificate ?? null;
  return random.pick<SyncAnswer>([
    { kind: 'blocks', blocks: [] },
    { kind: 'blocks', blocks: blocks.toReversed() },
    { kind: 'blocks', blocks: blocks.slice(1) },
    {
      kind: 'blocks',
      blocks: blocks.map(({ block }) => ({ block: twistedBlock(random, block), certificate })),
    },
    { kind: 'blocks', blocks: blocks.map(({ block }) => ({ block, certificate })) },
  ]);
}
