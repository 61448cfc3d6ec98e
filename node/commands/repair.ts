/** `repair`: builds damaged data anew from the other members, while the node is stopped. */
import { present } from '../../protocol/invariant.ts';
import { ed25519 } from '../ed25519.ts';
import { systemClock } from '../clock.ts';
import { createLogger } from '../log.ts';
import type { RepairReport } from '../repair.ts';
import { prepareHome, type PreparedHome } from './start.ts';
import { answered, type CommandContext, type CommandOutcome } from './outcome.ts';
import { startFailure } from './startFailure.ts';

const patienceMs = 300_000;

export async function repairHome(context: CommandContext): Promise<CommandOutcome> {
  const prepared = await prepareHome(context, {});
  if ('kind' in prepared) return prepared;
  try {
    return describeRepair(await repair(context.home, prepared));
  } catch (error) {
    const outcome = startFailure(error);
    if (outcome === null) throw error;
    return outcome;
  }
}

async function repair(home: string, prepared: PreparedHome): Promise<RepairReport> {
  const { config, genesis, own, keystore } = prepared;
  // It signs nothing: any will do.
  const signer = present(keystore.consensusSigners[0], 'a home has a consensus key');
  const log = createLogger({
    level: config.log.level,
    isPretty: config.log.pretty,
    write: (line) => void process.stderr.write(line),
  });
  const { repairFromPeers } = await import('../repair.ts');
  const { networkOf } = await import('../node.ts');
  return repairFromPeers({
    home,
    genesis,
    own,
    signer,
    sealing: keystore.sealingSecret,
    scheme: ed25519,
    verifyMany: async (items) =>
      items.map(({ message, signature, key }) => ed25519.verify(message, signature, key)),
    clock: systemClock,
    log,
    connect: networkOf({ config, genesis, keystore, log }, () => undefined),
    patienceMs,
    onProgress: (height) => log.info({ height }, 'repaired up to a height'),
  });
}

function describeRepair(report: RepairReport): CommandOutcome {
  const { height, keptRowCount, lostRowCount, asidePath } = report;
  const lines = [
    `ledger   built anew up to height ${height}, every block verified`,
    `kept     ${keptRowCount} rows that are on no chain (documents, secrets, batches of ours); ${lostRowCount} could not be read`,
    `aside    ${asidePath}: delete it when nobody needs to look at it any more`,
    'Run `rxledger start`.',
  ];
  return answered(lines, { height, keptRowCount, lostRowCount, asidePath });
}
