/** One history: a cluster of real processes, clients, a plan of faults, and the verdict on what the clients were told. */
import { randomInt } from 'node:crypto';
import { SmallDisk } from '../../devnet/diskFaults.ts';
import { FaultyNetwork } from '../../devnet/faults.ts';
import { startDevnet, type Supervisor } from '../../devnet/supervisor.ts';
import { seededRandom } from '../../devnet/generator/random.ts';
import { aConsortium, assertSameState, voters } from '../support/cluster.ts';
import { CaseBook } from './cases.ts';
import { Clients } from './clients.ts';
import { checkLinearizable, type Verdict } from './linearizability.ts';
import { Nemesis } from './nemesis.ts';
import { hasSmallDisk, makePlan, smallDiskOwner, type PlanName } from './plan.ts';
import { prescriptionModel, promisedOrder, type Fill, type Operation } from './prescription.ts';

/** After everything is mended, so many writes must be answered: safety alone would be kept by nodes that do nothing. */
const writesAfterHealMin = 20;
/** Sets of operations and states that may be tried for one prescription; a usual one needs some hundreds. */
const configurationsMax = 1_000_000;

export interface HistoryOptions {
  readonly plan: PlanName;
  readonly seed: number;
  readonly seconds: number;
}

export interface HistoryReport extends HistoryOptions {
  readonly prescriptionCount: number;
  readonly writeCount: number;
  readonly readCount: number;
  readonly unknownCount: number;
  readonly nothingCount: number;
  /** By kind. */
  readonly faults: ReadonlyMap<string, number>;
  /** Nodes whose damaged data kept them out, with their own words. */
  readonly outOfService: ReadonlyMap<string, string>;
  readonly isDiskSmall: boolean;
  readonly configurationCount: number;
  /** What must not be: none in a good history. */
  readonly problems: readonly string[];
}

/** The one line that plays the same plan again. */
export function commandOf({ plan, seed, seconds }: HistoryOptions): string {
  return `npm run jepsen -- --plan ${plan} --seed ${seed} --seconds ${seconds}`;
}

export function freshSeed(): number {
  return randomInt(2 ** 31);
}

export async function runHistory(options: HistoryOptions): Promise<HistoryReport> {
  const random = seededRandom(options.seed);
  const network = new FaultyNetwork(voters, random.fraction);
  const disks: SmallDisk[] = [];
  try {
    const devnet = await startDevnet({
      consortium: aConsortium(`jepsen-${options.plan}-${options.seed}`),
      isKept: process.env['KEEP_CLUSTERS'] === '1',
      absent: ['pharmacy-2', 'courier'],
      wires: async (ports) => network.lay(ports),
      onHomesWritten: (supervisor) => {
        const disk = hasSmallDisk(options.plan)
          ? SmallDisk.under(supervisor.node(smallDiskOwner).home)
          : null;
        if (disk !== null) disks.push(disk);
      },
    });
    const [disk = null] = disks;
    try {
      return await playHistory(options, {
        devnet,
        nemesis: new Nemesis({ devnet, network, disk, random }),
        disk,
      });
    } finally {
      await devnet.stopAll();
    }
  } finally {
    for (const disk of disks) disk.close();
    await network.close();
  }
}

interface Scene {
  readonly devnet: Supervisor;
  readonly nemesis: Nemesis;
  readonly disk: SmallDisk | null;
}

async function playHistory(
  options: HistoryOptions,
  { devnet, nemesis, disk }: Scene,
): Promise<HistoryReport> {
  const durationMs = options.seconds * 1_000;
  const cases = new CaseBook();
  const clients = new Clients(devnet, cases);
  const problems: string[] = [];
  try {
    const ending = new AbortController();
    const working = clients.run(options.seed, ending.signal);
    const faultsEnding = AbortSignal.timeout(durationMs);
    try {
      await nemesis.play(makePlan(options.plan, options.seed, durationMs), faultsEnding);
      await nemesis.heal();
      await clients.served(writesAfterHealMin);
    } finally {
      ending.abort();
      await working;
    }
    await assertSameState(devnet);
    await clients.readAll();
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  } finally {
    clients.close();
  }
  const { operations, nothingCount } = clients.history;
  const judged = judge(operations);
  const readCount = operations.filter(({ act }) => act.kind === 'read').length;
  return {
    ...options,
    prescriptionCount: cases.all.length,
    writeCount: operations.length - readCount,
    readCount,
    unknownCount: operations.filter(({ outcome }) => outcome === null).length,
    nothingCount,
    faults: nemesis.counts,
    outOfService: nemesis.outOfService,
    isDiskSmall: disk !== null,
    configurationCount: judged.configurationCount,
    problems: [...problems, ...judged.problems],
  };
}

interface Judgement {
  readonly configurationCount: number;
  readonly problems: readonly string[];
}

/** Each prescription by itself. */
function judge(operations: readonly Operation[]): Judgement {
  let configurationCount = 0;
  const problems: string[] = [];
  for (const rxId of new Set(operations.map((operation) => operation.rxId))) {
    const own = operations.filter((operation) => operation.rxId === rxId);
    const inOrder = own.toSorted((a, b) => a.invokedAt - b.invokedAt);
    const verdict = checkLinearizable(prescriptionModel, inOrder, { ...promisedOrder, configurationsMax });
    if (verdict.kind === 'violation') problems.push(describeViolation(rxId, verdict));
    else configurationCount += verdict.configurationCount;
    if (verdict.kind === 'undecided') problems.push(`${rxId}: no verdict after ${configurationsMax} steps`);
  }
  return { configurationCount, problems };
}

type Violation = Extract<Verdict<Fill, Operation>, { readonly kind: 'violation' }>;

function describeViolation(rxId: string, { ordered, state, rest }: Violation): string {
  const line = ({ client, node, act, outcome, invokedAt, completedAt }: Operation): string =>
    `  ${invokedAt.toFixed(0)}..${completedAt.toFixed(0)} client ${client} at ${node}: ` +
    `${JSON.stringify(act)} -> ${JSON.stringify(outcome)}`;
  return [
    `${rxId} is not linearizable; the longest order found:`,
    ...ordered.map(line),
    `leads to ${JSON.stringify(state)}, where none of these fits:`,
    ...rest.map(line),
  ].join('\n');
}

export function describeReport(report: HistoryReport): string {
  const faults = [...report.faults].map(([kind, count]) => `${count} ${kind}`).join(', ');
  const out = [...report.outOfService].map(([name, reason]) => `; ${name} is out: ${reason}`).join('');
  const noDisk =
    hasSmallDisk(report.plan) && !report.isDiskSmall ? '; no full disk: mounting is not permitted' : '';
  return (
    `${report.plan}, seed ${report.seed}: ${report.prescriptionCount} prescriptions, ${report.writeCount} writes ` +
    `(${report.unknownCount} unknown, ${report.nothingCount} not taken), ${report.readCount} reads; ${faults}; ` +
    `${report.configurationCount} steps of search${out}${noDisk}`
  );
}
