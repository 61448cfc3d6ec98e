/** The load: whole lives as the generator makes them up, people's habits and errors with them, signed before the clock runs. */
import type { Consortium } from '../../devnet/cast.ts';
import { signedEnvelope, type Act, type TimedAct } from '../../devnet/generator/act.ts';
import { regionOf } from '../../devnet/generator/consortiumRegion.ts';
import { livesAtOnce } from '../../devnet/generator/moment.ts';
import type { Digest, MemberName, Timestamp } from '../../protocol/brand.ts';
import { bytesToHex } from '../../protocol/bytes.ts';

/** One signed transaction, and what the ledger must answer. */
export interface SignedStep {
  /** The member whose node it is sent to. */
  readonly node: MemberName;
  /** `0x` hex of the envelope. */
  readonly transaction: string;
  readonly expected: Act['expected'];
}

/** In their order: a step may be sent when those before it have their answers. */
export type Life = readonly SignedStep[];

export interface LoadOptions {
  /** Another one for each load of a run: ids follow from it. */
  readonly seed: number;
  readonly transactionCount: number;
}

/** As many lives as have so many transactions. */
export function signedLives(
  consortium: Consortium,
  { seed, transactionCount }: LoadOptions,
): readonly Life[] {
  const source = livesAtOnce(regionOf(consortium), { seed, at: Date.now() as Timestamp });
  const signed = signerFor(consortium);
  const lives: Life[] = [];
  for (let count = 0; count < transactionCount; count += lives.at(-1)?.length ?? 0) {
    lives.push(source.next().value.map(signed));
  }
  return lives;
}

/** First steps alone, for a load of single transactions that depend on nothing. */
export function signedIssues(consortium: Consortium, { seed, transactionCount }: LoadOptions): Life {
  const source = livesAtOnce(regionOf(consortium), { seed, at: Date.now() as Timestamp });
  const signed = signerFor(consortium);
  return Array.from({ length: transactionCount }, () => source.next().value.slice(0, 1).map(signed)).flat();
}

function signerFor({ chainId, genesis, members }: Consortium): (act: TimedAct) => SignedStep {
  const nodes = nodesOf(
    genesis.voters,
    members.map(({ name }) => name),
  );
  return (act) => signedStep(chainId, act, nodes.get(act.member) ?? act.member);
}

/** Only the voters have nodes in a benchmark; each of the others uses the node of one of them, in turn. */
function nodesOf(
  voters: readonly MemberName[],
  members: readonly MemberName[],
): ReadonlyMap<MemberName, MemberName> {
  const others = members.filter((name) => !voters.includes(name));
  return new Map(others.map((name, index) => [name, voters[index % voters.length] ?? name]));
}

function signedStep(chainId: Digest, act: TimedAct, node: MemberName): SignedStep {
  const transaction = `0x${bytesToHex(signedEnvelope(chainId, act))}`;
  return { node, transaction, expected: act.expected };
}
