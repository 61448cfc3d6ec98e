#!/usr/bin/env -S node --max-semi-space-size=64
/**
 * The program `rxledger`. Standard output is data, standard error is progress; the exit codes stand in commands/outcome.ts. A
 * command's code is loaded when it is called.
 */
import './polyfill.ts';
import { Argument, Command, CommanderError, Option } from 'commander';
import type { Timestamp } from '../protocol/brand.ts';
import {
  exitCodes,
  failed,
  renderOutcome,
  type CommandContext,
  type CommandOutcome,
} from './commands/outcome.ts';
import type { BallastOrder } from './commands/ballast.ts';
import { chooseHome } from './home.ts';
import { programVersion } from './version.ts';

interface GlobalOptions {
  readonly home?: string;
  readonly json?: boolean;
}

const program = new Command('rxledger')
  .description('A node of a permissioned ledger for prescriptions, dispensing and settlement.')
  .version(programVersion)
  .option('--home <directory>', 'home of the node (default: $RXLEDGER_HOME, then ~/.rxledger)')
  .option('--json', 'answer in JSON')
  .showHelpAfterError('try: rxledger --help')
  .exitOverride();

function context(): CommandContext {
  const { home } = program.opts<GlobalOptions>();
  return { home: chooseHome(home, process.env), environment: process.env };
}

/** Prints the outcome; the exit code is set, and the process ends when its output is written. */
async function answer(work: Promise<CommandOutcome> | CommandOutcome): Promise<void> {
  const isJson = program.opts<GlobalOptions>().json === true;
  const { stdout, stderr, exitCode } = renderOutcome(await work, isJson);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = exitCode;
}

/** An option that may be given several times, or once with several values. */
function many(flags: string, help: string): Option {
  return new Option(flags, help).default([]);
}

function addHomeCommands(): void {
  program
    .command('init')
    .description('make a new home with keys and configuration; prints the member descriptor for the founders')
    .requiredOption('--name <member>', 'name of the member, such as huashan-hospital')
    .addOption(many('--roles <roles...>', 'hospital, pharmacy, insurer, courier, ...'))
    .addOption(many('--listen <multiaddrs...>', 'where to listen for the other members'))
    .addOption(many('--advertise <multiaddrs...>', 'where the others reach this node'))
    .action(async (options: { name: string; roles: string[]; listen: string[]; advertise: string[] }) => {
      const { initHome } = await import('./commands/init.ts');
      await answer(initHome(context(), options));
    });
  program
    .command('start')
    .description('run the node until SIGTERM or SIGINT')
    .option(
      '--http <address>',
      'serve JSON-RPC, /metrics and /readyz on a loopback address too, such as 127.0.0.1:7401',
    )
    .option('--log-level <level>', 'least level that is logged')
    .addOption(new Option('--bound-to-parent', 'stop when standard input ends').hideHelp())
    .action(async (options: { http?: string; logLevel?: string; boundToParent?: boolean }) => {
      const { startHome } = await import('./commands/start.ts');
      const flags = {
        ...(options.http === undefined ? {} : { 'rpc.http': options.http }),
        ...(options.logLevel === undefined ? {} : { 'log.level': options.logLevel }),
      };
      await answer(startHome(context(), { flags, isBoundToParent: options.boundToParent === true }));
      // Whatever still holds the event loop belongs to a node that has stopped.
      process.exit();
    });
  program
    .command('status')
    .description('how the running node is, in five lines; exit code 3 if it is not ready')
    .action(async () => {
      const { showStatus } = await import('./commands/status.ts');
      await answer(showStatus(context()));
    });
  program
    .command('rpc <method> [params]')
    .description('one JSON-RPC call to the running node; the parameters are a JSON object')
    .action(async (method: string, params: string | undefined) => {
      const { callMethod } = await import('./commands/rpc.ts');
      await answer(callMethod(context(), method, params ?? '{}'));
    });
  const config = program.command('config').description('the settings of this home');
  config
    .command('explain [setting]')
    .description('each setting with its value and where that came from')
    .action(async (setting: string | undefined) => {
      const { explainConfig } = await import('./commands/config.ts');
      await answer(explainConfig(context(), setting));
    });
}

function addDiskCommands(): void {
  const order = new Argument('[order]', 'what to do').choices(['show', 'make', 'free']).default('show');
  program
    .command('ballast')
    .description('the file that is given up so that a node with a full disk can start')
    .addArgument(order)
    .action(async (chosen: BallastOrder) => {
      const { ballast } = await import('./commands/ballast.ts');
      await answer(ballast(context(), chosen));
    });
}

function addRepairCommand(): void {
  program
    .command('repair')
    .description('build damaged data anew while the node is stopped; keys and safety log stay as they are')
    .requiredOption('--from-peers', 'from verified blocks of the other members')
    .action(async () => {
      const { repairHome } = await import('./commands/repair.ts');
      await answer(repairHome(context()));
      // Whatever still holds the event loop belongs to connections that are closed.
      process.exit();
    });
}

function addKeyCommands(): void {
  const keys = program.command('keys').description('the keystore of this home');
  keys
    .command('new <name>')
    .description('make a key for a practitioner, such as dr-zhang')
    .action(async (name: string) => {
      const { newKey } = await import('./commands/keys.ts');
      await answer(newKey(context(), name));
    });
  keys
    .command('rotate-consensus')
    .description('make the next consensus key and move that it take the place of the present one')
    .action(async () => {
      const { rotateConsensus } = await import('./commands/rotateConsensus.ts');
      await answer(rotateConsensus(context(), Date.now() as Timestamp));
    });
  keys
    .command('list')
    .description('name, purpose and public key of every key')
    .action(async () => {
      const { listAllKeys } = await import('./commands/keys.ts');
      await answer(listAllKeys(context()));
    });
  keys
    .command('show <name>')
    .description('one public key')
    .action(async (name: string) => {
      const { showKey } = await import('./commands/keys.ts');
      await answer(showKey(context(), name));
    });
}

function addStampCommands(): void {
  const stamp = program.command('stamp').description('proofs of what the ledger answered');
  stamp
    .command('verify <file>')
    .description('check a stamp offline; exit code 1 if it is not good')
    .requiredOption('--genesis <file>', 'genesis file of the consortium')
    .action(async (file: string, options: { genesis: string }) => {
      const { verifyStampFile } = await import('./commands/stamp.ts');
      await answer(verifyStampFile(file, options.genesis));
    });
  stamp
    .command('get <txId>')
    .description('get a stamp from the running node')
    .requiredOption('-o, --output <file>', 'where to write it')
    .action(async (txId: string, options: { output: string }) => {
      const { getStamp } = await import('./commands/stamp.ts');
      await answer(getStamp(context(), txId, options.output));
    });
}

interface GenesisFlags {
  readonly name: string;
  readonly members: readonly string[];
  readonly voters: readonly string[];
  readonly output: string;
  readonly deltaMs: string;
  readonly blockIntervalMs: string;
  readonly heartbeatMs: string;
}

function addGenesisCommands(): void {
  const genesis = program.command('genesis').description('the file that a consortium starts from');
  genesis
    .command('create')
    .description("make the genesis file from the founders' member descriptors")
    .requiredOption('--name <name>', 'name of the consortium')
    .requiredOption('--members <files...>', 'what `rxledger init` printed at each member')
    .requiredOption('--voters <names...>', 'members that vote, at least four')
    .requiredOption('-o, --output <file>', 'where to write it')
    .option('--delta-ms <ms>', "bound on a message's way in good times", '500')
    .option('--block-interval-ms <ms>', 'least time between two blocks', '100')
    .option('--heartbeat-ms <ms>', 'an empty block after so much quiet; 0 is never', '30000')
    .action(async (flags: GenesisFlags) => {
      const { createGenesis } = await import('./commands/genesis.ts');
      const outcome = createGenesis({
        name: flags.name,
        memberPaths: flags.members,
        voters: flags.voters,
        outputPath: flags.output,
        createdAt: Date.now() as Timestamp,
        deltaMs: Number(flags.deltaMs),
        blockIntervalMsMin: Number(flags.blockIntervalMs),
        heartbeatMs: Number(flags.heartbeatMs),
      });
      await answer(outcome);
    });
  genesis
    .command('install <file>')
    .description('put the genesis file into this home')
    .option('--joining', 'of a member that joins later, so that the file does not know it')
    .action(async (file: string, options: { joining?: boolean }) => {
      const { installGenesis } = await import('./commands/init.ts');
      await answer(installGenesis(context(), file, options.joining === true));
    });
}

function addMemberCommands(): void {
  const member = program.command('member').description('who is in the consortium, and how that changes');
  const run = (work: (commands: typeof import('./commands/member.ts')) => Promise<CommandOutcome>) =>
    import('./commands/member.ts').then(async (commands) => answer(work(commands)));
  member
    .command('list')
    .description('every member, who votes, and n, f and q')
    .action(async () => run(async ({ listMembers }) => listMembers(context())));
  member
    .command('show <name>')
    .description('one member with its keys and standing')
    .action(async (name: string) => run(async ({ showMember }) => showMember(context(), name)));
  member
    .command('invite <name>')
    .description('sign a ticket for a newcomer; hand it over out of band')
    .addOption(many('--roles <roles...>', 'hospital, pharmacy, insurer, courier, ...'))
    .action(async (name: string, options: { roles: string[] }) =>
      run(async ({ inviteMember }) => inviteMember(context(), name, options.roles)),
    );
  member
    .command('accept <ticket>')
    .description('at the newcomer, offline: sign the join that its ticket allows; prints it for the inviter')
    .action(async (path: string) => {
      const { acceptTicket } = await import('./commands/accept.ts');
      await answer(acceptTicket(context(), path, Date.now() as Timestamp));
    });
  member
    .command('join <transaction>')
    .description('at the inviter: submit what `member accept` printed; the voters decide')
    .action(async (transaction: string) => run(async ({ joinMember }) => joinMember(context(), transaction)));
  member
    .command('ready')
    .description('say on the ledger that this node is in step; needed to become a voter')
    .action(async () => run(async ({ sayReady }) => sayReady(context())));
  member
    .command('propose <change> <member>')
    .description('move to promote, demote, suspend, reinstate or remove a member')
    .option('--force', 'even if fewer than four voters stay')
    .action(async (change: string, name: string, options: { force?: boolean }) =>
      run(async ({ proposeChange }) =>
        proposeChange(context(), { change, member: name, isForced: options.force === true }),
      ),
    );
  member
    .command('motions')
    .description('what is put to the vote, and how it stands')
    .action(async () => run(async ({ listMotions }) => listMotions(context())));
  member
    .command('vote <motionId>')
    .description('approve a motion about a member or the rules, or reject it; a vote is final')
    .option('--reject', 'vote against it')
    .action(async (motionId: string, options: { reject?: boolean }) =>
      run(async ({ voteOnMotion }) => voteOnMotion(context(), motionId, options.reject !== true)),
    );
}

function addPolicyCommands(): void {
  const policy = program.command('policy').description('the rules that the ledger judges by');
  policy
    .command('show [version]')
    .description('the document in force, or one that a receipt names')
    .action(async (version: string | undefined) => {
      const { showPolicy } = await import('./commands/policy.ts');
      await answer(showPolicy(context(), version === undefined ? null : Number(version)));
    });
  policy
    .command('simulate <file>')
    .description('what a document would change, and what it would have refused lately')
    .action(async (path: string) => {
      const { simulatePolicyFile } = await import('./commands/policy.ts');
      await answer(simulatePolicyFile(context(), path));
    });
  policy
    .command('propose <file>')
    .description('put a document to the vote; `member vote` votes on it')
    .option('--from-height <height>', 'in force from here on; by default from the block after the vote')
    .action(async (path: string, options: { fromHeight?: string }) => {
      const { proposePolicyFile } = await import('./commands/policy.ts');
      const height = options.fromHeight === undefined ? null : Number(options.fromHeight);
      await answer(proposePolicyFile(context(), path, height));
    });
}

/** Commander has said on stderr what was wrong; its own codes become ours. */
function onError(error: unknown): void {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    return;
  }
  const message = error instanceof Error ? error.message : 'unknown error';
  const isStarting = process.argv.includes('start');
  const hint = isStarting
    ? 'read the log above; `rxledger config explain` shows the settings'
    : 'rxledger --help';
  const { stderr, exitCode } = renderOutcome(
    failed('failure', { message, hint }),
    program.opts<GlobalOptions>().json === true,
  );
  process.stderr.write(stderr);
  process.exitCode = exitCode;
  // A node that failed half-way through its start may hold sockets and timers.
  if (isStarting) process.exit();
}

addHomeCommands();
addDiskCommands();
addRepairCommand();
addKeyCommands();
addStampCommands();
addGenesisCommands();
addMemberCommands();
addPolicyCommands();
try {
  await program.parseAsync();
} catch (error) {
  onError(error);
}
