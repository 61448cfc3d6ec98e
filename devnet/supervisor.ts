/** Real processes, one per member: starts, kills and restarts them, and never leaves one behind. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect, type RpcClient } from '../node/rpc/client.ts';
import { socketPathBytesMax, type LogLevel } from '../node/settings.ts';
import { nodeFlags } from '../node/version.ts';
import type { Consortium } from './cast.ts';
import { devnetPassphrase, homeOf, isFounder, writeConfigs, writeHomes, type NodePorts } from './homes.ts';
import { freePorts } from './ports.ts';

export interface SupervisorOptions {
  readonly consortium: Consortium;
  /** Keeps the directory (homes and logs) when the devnet ends. */
  readonly isKept: boolean;
  readonly logLevel?: LogLevel;
  /** More environment for the nodes, for example NODE_OPTIONS. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Members whose nodes are not started. */
  readonly absent?: readonly string[];
  /** Puts something between the nodes: given their ports, tells where each is seen by its peers. */
  readonly wires?: (ports: ReadonlyMap<string, NodePorts>) => Promise<ReadonlyMap<string, NodePorts>>;
  /** Called once, when the homes are written and before any node is started. */
  readonly onHomesWritten?: (supervisor: Supervisor) => void;
  /** Called once, when the voters are ready and before the observers are started. */
  readonly onVotersReady?: (supervisor: Supervisor) => Promise<void>;
}

export interface DevnetNode {
  readonly name: string;
  readonly home: string;
  readonly rpcSocket: string;
  /** `http://127.0.0.1:port` */
  readonly rpcUrl: string;
  readonly tokenFile: string;
  readonly logFile: string;
  /** Null when it does not run. */
  readonly pid: number | null;
}

interface Running {
  readonly child: ChildProcess;
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>;
}

/** The program `rxledger`, compiled. */
export const programPath: string = fileURLToPath(new URL('../node/main.js', import.meta.url));
const portTriesMax = 5;
const readyPollMs = 25;
const readyDeadlineMs = 60_000;
const stopDeadlineMs = 12_000;
const logTailLength = 2_000;

/** The nodes' ports were taken by somebody else between our choice and their use. */
class PortTaken extends Error {
  override readonly name = 'PortTaken';
}

export class Supervisor {
  readonly consortium: Consortium;
  readonly directory: string;
  readonly #options: SupervisorOptions;
  readonly #running = new Map<string, Running>();
  readonly #clients = new Map<string, RpcClient>();
  #ports: ReadonlyMap<string, NodePorts> = new Map();
  #startedAt = 0;
  // A throw between start and stop, or process.exit, must not leave processes or files behind.
  readonly #onExit = (): void => {
    for (const { child } of this.#running.values()) child.kill('SIGKILL');
    this.#removeDirectory();
  };

  /** `startDevnet` is the way to one that runs. */
  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.consortium = options.consortium;
    this.directory = mkdtempSync(join(tmpdir(), 'rxl-'));
    process.on('exit', this.#onExit);
  }

  get names(): readonly string[] {
    return this.consortium.members.map(({ name }) => name);
  }

  node(name: string): DevnetNode {
    const home = homeOf(this.directory, name);
    const running = this.#running.get(name);
    return {
      name,
      home,
      rpcSocket: join(home, 'run', 'rpc.sock'),
      rpcUrl: `http://127.0.0.1:${this.#ports.get(name)?.rpc ?? 0}`,
      tokenFile: join(home, 'run', 'rpc.token'),
      logFile: join(this.directory, 'logs', `${name}.log`),
      pid: running?.child.pid ?? null,
    };
  }

  /** When the processes were started, on the clock of `performance.now()`. */
  get startedAt(): number {
    return this.#startedAt;
  }

  get genesisFile(): string {
    return join(homeOf(this.directory, this.names[0] ?? ''), 'genesis.json');
  }

  /**
   * Writes the homes and starts every founder's node: the voters first, which decide when there is a ledger, then the observers, who
   * join it. A newcomer is started (`start`) when its home has the genesis. Tries again with other ports if one was taken meanwhile. Resolves when all are ready.
   */
  async startAll(): Promise<void> {
    mkdirSync(join(this.directory, 'logs'), { mode: 0o700 });
    const longest = Math.max(...this.names.map((name) => Buffer.byteLength(this.node(name).rpcSocket)));
    if (longest > socketPathBytesMax) throw new Error(`${tmpdir()} is too long for unix sockets: set TMPDIR`);
    await writeHomes(this.directory, this.consortium);
    this.#options.onHomesWritten?.(this);
    const present = this.consortium.members.filter(
      ({ name }) => isFounder(this.consortium, name) && this.#options.absent?.includes(name) !== true,
    );
    const namesOf = (isVoter: boolean): readonly string[] =>
      present.filter((member) => member.isVoter === isVoter).map(({ name }) => name);
    let isOpen = false;
    for (let attempt = 1; ; attempt += 1) {
      await this.#choosePorts();
      this.#startedAt = performance.now();
      try {
        await this.#startUntilReady(namesOf(true));
        if (!isOpen) await this.#options.onVotersReady?.(this);
        isOpen = true;
        await this.#startUntilReady(namesOf(false));
        return;
      } catch (error) {
        await this.stopNodes();
        if (!(error instanceof PortTaken) || attempt >= portTriesMax) throw error;
      }
    }
  }

  async #startUntilReady(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => this.start(name)));
    await Promise.all(names.map((name) => this.waitUntilReady(name)));
  }

  async #choosePorts(): Promise<void> {
    const ports = await freePorts(2 * this.names.length);
    const chosen = this.names.map((name, index) => {
      const [network = 0, rpc = 0] = ports.slice(2 * index, 2 * index + 2);
      return [name, { network, rpc }] as const;
    });
    this.#ports = (await this.#options.wires?.(new Map(chosen))) ?? new Map(chosen);
    writeConfigs(this.directory, this.#ports, this.#options.logLevel ?? 'info');
  }

  /** Resolves when the node answers on its socket; rejects with the end of its log if it dies first. */
  async start(name: string): Promise<void> {
    if (this.#running.has(name)) throw new Error(`${name} runs already`);
    const running = this.#spawn(name);
    const first = await Promise.race([
      running.ended.then(() => 'ended' as const),
      this.#waitUntilItAnswers(name),
    ]);
    if (first !== 'ended') return;
    const log = readFileSync(this.node(name).logFile, 'utf8').slice(-logTailLength);
    if (log.includes('EADDRINUSE')) throw new PortTaken(`${name}: a port was taken`);
    throw new Error(`${name} ended while it started; its log ends with:\n${log}`);
  }

  #spawn(name: string): Running {
    const { home, logFile } = this.node(name);
    const log = openSync(logFile, 'a', 0o600);
    const { RXLEDGER_HOME: _, ...inherited } = process.env;
    // Its standard input is a pipe of ours: when we die, however, it ends, and the node stops.
    const start = [programPath, '--home', home, 'start', '--bound-to-parent'];
    const child = spawn(process.execPath, [...nodeFlags, ...start], {
      stdio: ['pipe', log, log],
      env: { ...inherited, ...this.#options.environment, RXLEDGER_PASSPHRASE: devnetPassphrase },
    });
    closeSync(log);
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    const running: Running = { child, ended: ended.then(() => this.#forget(name)) };
    this.#running.set(name, running);
    return running;
  }

  #forget(name: string): void {
    this.#running.delete(name);
    this.#dropClient(name);
  }

  #dropClient(name: string): void {
    const client = this.#clients.get(name);
    this.#clients.delete(name);
    client?.close();
  }

  /** The socket's file may be left from before a crash, so only an answer counts. */
  async #waitUntilItAnswers(name: string): Promise<'answers' | 'gone'> {
    while (this.#running.has(name)) {
      if (existsSync(this.node(name).rpcSocket)) {
        try {
          const client = this.client(name);
          await client.call('node_status', {});
          return 'answers';
        } catch {
          this.#dropClient(name);
        }
      }
      await delay(readyPollMs);
    }
    return 'gone';
  }

  /** Resolves when the node says that it can take a prescription; rejects with its own reasons after `readyDeadlineMs`. */
  async waitUntilReady(name: string): Promise<void> {
    const deadline = performance.now() + readyDeadlineMs;
    for (;;) {
      const client = this.client(name);
      const { ready } = await client.call('node_health', {});
      if (ready.ok) return;
      if (performance.now() > deadline) throw new Error(`${name} is not ready: ${ready.reasons.join(' ')}`);
      await delay(readyPollMs);
    }
  }

  /** A client of the running node, over its unix socket; the same one until the node ends. */
  client(name: string): RpcClient {
    const known = this.#clients.get(name);
    if (known !== undefined) return known;
    const client = connect({ socketPath: this.node(name).rpcSocket });
    this.#clients.set(name, client);
    return client;
  }

  /** Stops the process in its tracks (SIGSTOP): it keeps its sockets and answers nobody. */
  pause(name: string): void {
    this.#running.get(name)?.child.kill('SIGSTOP');
  }

  /** Lets a paused process go on as if no time had passed. */
  resume(name: string): void {
    this.#running.get(name)?.child.kill('SIGCONT');
  }

  /** Resolves when the process has ended. */
  async kill(name: string, signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const running = this.#running.get(name);
    if (running === undefined) return;
    running.child.kill(signal);
    // A paused process would take no notice of SIGTERM.
    running.child.kill('SIGCONT');
    const deadline = setTimeout(() => running.child.kill('SIGKILL'), stopDeadlineMs);
    await running.ended;
    clearTimeout(deadline);
  }

  /** Orderly, all at once; whoever is too slow is killed. */
  async stopNodes(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.kill(name, 'SIGTERM')));
  }

  /** Stops the nodes and removes the directory unless it is kept. */
  async stopAll(): Promise<void> {
    await this.stopNodes();
    process.off('exit', this.#onExit);
    this.#removeDirectory();
  }

  #removeDirectory(): void {
    if (!this.#options.isKept) rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A consortium that runs; whoever starts it stops it. */
export async function startDevnet(options: SupervisorOptions): Promise<Supervisor> {
  const supervisor = new Supervisor(options);
  try {
    await supervisor.startAll();
    return supervisor;
  } catch (error) {
    await supervisor.stopAll();
    throw error;
  }
}
