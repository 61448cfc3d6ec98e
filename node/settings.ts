/** Every setting of a node: its key in config.toml, what it may hold and what it is when nobody says. */
import * as z from 'zod';
import type { MemberName } from '../protocol/brand.ts';
import { nameSchema } from '../protocol/codec.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof logLevels)[number];

/** A loopback address to serve on; port 0 lets the system choose. */
export interface LoopbackAddress {
  readonly host: string;
  readonly port: number;
}

/** How text from a flag or the environment becomes a value. */
type SettingKind = 'text' | 'boolean' | 'number' | 'list' | 'peers';

export interface Setting {
  /** Section and key, for example `rpc.http`. */
  readonly path: string;
  readonly kind: SettingKind;
  readonly schema: z.ZodType;
  /** Undefined: the setting must be given. */
  readonly fallback: unknown;
  readonly help: string;
}

// A unix socket's path fits 108 bytes on Linux and 104 on macOS, with the zero at the end.
export const socketPathBytesMax = 100;
const addressesMax = 8;

const multiaddrSchema = z
  .string()
  .max(200)
  .regex(
    /^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/\d{1,5}$/,
    'expected an address such as /ip4/10.0.0.5/tcp/7400',
  );
const addressesSchema = z.array(multiaddrSchema).max(addressesMax);
const peersSchema = z.record(nameSchema as unknown as z.ZodString, addressesSchema.min(1));
const originsSchema = z
  .array(
    z
      .string()
      .max(200)
      .regex(/^https?:\/\/[^/\s]+$/, 'expected an origin such as http://localhost:3000'),
  )
  .max(16);
const pathSchema = z.string().min(1).max(4_096);

/** `off`, or a loopback host and a port. Anything else would serve the world. */
const loopbackSchema: z.ZodType<string> = z
  .string()
  .regex(
    /^(off|(127\.0\.0\.1|localhost|\[::1\]):\d{1,5})$/,
    'expected "off" or a loopback address such as "127.0.0.1:7401"',
  )
  .refine(
    (text) => text === 'off' || Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535,
    'port above 65535',
  );

/** 0 switches a mark off. */
const bytesSchema = z.int().min(0);

const memberNameSchema: z.ZodType<MemberName> = nameSchema;

export const settings: readonly Setting[] = [
  {
    path: 'node.name',
    kind: 'text',
    schema: memberNameSchema,
    fallback: undefined,
    help: 'the member that this node belongs to, as in the genesis file',
  },
  {
    path: 'network.listen',
    kind: 'list',
    schema: addressesSchema.min(1),
    fallback: ['/ip4/0.0.0.0/tcp/7400'],
    help: 'where this node listens for the other members',
  },
  {
    path: 'network.advertise',
    kind: 'list',
    schema: addressesSchema,
    fallback: [],
    help: 'where the others reach it, if that differs from listen',
  },
  {
    path: 'network.peers',
    kind: 'peers',
    schema: peersSchema,
    fallback: {},
    help: 'addresses of the other members, by name',
  },
  {
    path: 'rpc.socket',
    kind: 'text',
    schema: pathSchema.refine((path) => Buffer.byteLength(path) <= socketPathBytesMax, {
      error: `a unix socket's path has at most ${socketPathBytesMax} bytes`,
    }),
    fallback: 'run/rpc.sock',
    help: 'unix socket of JSON-RPC; a relative path starts at the home directory',
  },
  {
    path: 'rpc.http',
    kind: 'text',
    schema: loopbackSchema,
    fallback: 'off',
    help: 'JSON-RPC over HTTP and WebSocket: off, or a loopback address',
  },
  {
    path: 'rpc.origins',
    kind: 'list',
    schema: originsSchema,
    fallback: [],
    help: 'web origins that may call the HTTP interface',
  },
  {
    path: 'rpc.tokenFile',
    kind: 'text',
    schema: pathSchema,
    fallback: 'run/rpc.token',
    help: 'file with the bearer token of the HTTP interface',
  },
  {
    path: 'metrics.http',
    kind: 'text',
    schema: loopbackSchema,
    fallback: 'off',
    help: '/metrics, /livez and /readyz without a token: off, or a loopback address',
  },
  {
    path: 'disk.softBytes',
    kind: 'number',
    schema: bytesSchema,
    fallback: 536_870_912,
    help: 'below so many free bytes no transaction of a client is taken; consensus goes on',
  },
  {
    path: 'disk.hardBytes',
    kind: 'number',
    schema: bytesSchema,
    fallback: 134_217_728,
    help: 'below so many free bytes the node stops voting and writing',
  },
  {
    path: 'disk.ballastBytes',
    kind: 'number',
    schema: bytesSchema,
    fallback: 268_435_456,
    help: 'size of a file that is given up so that a node with a full disk can start',
  },
  {
    path: 'snapshots.everyBlocks',
    kind: 'number',
    schema: z.int().min(0).max(1_000_000),
    fallback: 1_000,
    help: 'blocks from one snapshot of the state to the next, for members that join; 0 makes none',
  },
  {
    path: 'log.level',
    kind: 'text',
    schema: z.enum(logLevels),
    fallback: 'info',
    help: 'least level that is logged',
  },
  {
    path: 'log.pretty',
    kind: 'boolean',
    schema: z.boolean(),
    fallback: false,
    help: 'lines for people instead of JSON',
  },
];

/** `rpc.tokenFile` is `RXLEDGER_RPC__TOKEN_FILE`. */
export function environmentName(path: string): string {
  return `RXLEDGER_${path
    .split('.')
    .map((part) => part.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase())
    .join('__')}`;
}

/** Text accepted by `loopbackSchema`; null is off. */
export function parseLoopback(text: string): LoopbackAddress | null {
  if (text === 'off') return null;
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon).replaceAll(/[[\]]/g, '');
  return { host, port: Number(text.slice(colon + 1)) };
}

/** Least number of one-letter edits; both texts are short keys. */
function editDistance(a: string, b: string): number {
  let before = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const change = a[row - 1] === b[column - 1] ? 0 : 1;
      const replaced = (before[column - 1] ?? 0) + change;
      current.push(Math.min(replaced, (before[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    before = current;
  }
  return before[b.length] ?? 0;
}

/** The known word closest to a mistyped one, or null when none is near (more than half of it would change). */
export function nearestOf(word: string, known: readonly string[]): string | null {
  const wanted = word.slice(0, 64).toLowerCase();
  let nearest: string | null = null;
  let distanceMin = Math.max(2, Math.floor(wanted.length / 2));
  for (const candidate of known) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance <= distanceMin && (nearest === null || distance < distanceMin)) {
      nearest = candidate;
      distanceMin = distance;
    }
  }
  return nearest;
}
