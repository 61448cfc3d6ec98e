/** Members of a cast that its genesis does not know. */
import type { Consortium } from '../../devnet/cast.ts';
import { chainIdOf } from '../../protocol/genesis.ts';

/** The same cast under a genesis that does not know these. */
export function withNewcomers(consortium: Consortium, newcomers: readonly string[]): Consortium {
  const { genesis } = consortium;
  const members = genesis.members.filter(({ name }) => !newcomers.includes(name));
  const practitioners = genesis.practitioners.filter(({ member }) => !newcomers.includes(member));
  const voters = genesis.voters.filter((name) => !newcomers.includes(name));
  const smaller = { ...genesis, members, practitioners, voters };
  return { ...consortium, genesis: smaller, chainId: chainIdOf(smaller) };
}
