/** One bit of a home's files flipped while the node was down: it reads everything as it was, or says what is wrong. Never a wrong answer. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { systemDisk } from '../../../node/storage/disk.ts';
import { StorageFailure } from '../../../node/storage/failure.ts';
import { openSafetyLog, safetySegmentBytesMax } from '../../../node/storage/safetyLog.ts';
import { testChainId } from '../../support/chain.ts';
import {
  dataOwner,
  filesBelow,
  fillHome,
  wholeBatches,
  wholeLedger,
  wholeSealed,
  type Contents,
} from '../../support/dataDirectory.ts';
import { seededRandom, type Random } from '../../../devnet/generator/random.ts';
import { aFolder } from '../../unit/storage/builders.ts';

const flipCount = 5_000;
const lanes = 6;
const blockCount = 12;
const seed = 20_261_121;

async function wholeSafety(home: string): Promise<unknown> {
  const { log, entries } = await openSafetyLog(join(home, 'safety'), {
    chainId: testChainId,
    consensusKey: dataOwner,
    mode: 'existing',
    disk: systemDisk,
    segmentBytesMax: safetySegmentBytesMax,
  });
  await log.close();
  return entries;
}

type Read = (home: string, contents: Contents) => Promise<unknown>;

/** The part of a home that is opened together, and how all of it is read. */
interface Part {
  readonly files: ReadonlyMap<string, Buffer>;
  readonly read: Read;
}

const readers: readonly (readonly [RegExp, Read])[] = [
  [/^(data\/ledger|anchor)/, wholeLedger],
  [/^data\/batches/, wholeBatches],
  [/^data\/sealed/, wholeSealed],
  [/^safety\/segment/, wholeSafety],
];

function partsOf(home: string): readonly Part[] {
  const all = [...filesBelow(home)];
  return readers.map(([names, read]) => ({ read, files: new Map(all.filter(([path]) => names.test(path))) }));
}

/** Half of the flips hit each file alike, half each byte alike. */
function pickByte(part: Part, random: Random): { readonly path: string; readonly offset: number } {
  const files = [...part.files].filter(([, bytes]) => bytes.length > 0);
  const total = files.reduce((sum, [, bytes]) => sum + bytes.length, 0);
  let left = random.below(total);
  const byBytes = files.find(([, bytes]) => {
    left -= bytes.length;
    return left < 0;
  });
  const [path, bytes] = (random.chance(0.5) ? random.pick(files) : byBytes) ?? random.pick(files);
  return { path, offset: random.below(bytes.length) };
}

function layOut(home: string, files: ReadonlyMap<string, Buffer>): void {
  for (const [path, bytes] of files) {
    mkdirSync(join(home, dirname(path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(home, path), bytes);
  }
}

describe('a bit that flips at rest', () => {
  let parts: readonly Part[];
  let contents: Contents;
  let expected: ReadonlyMap<Part, unknown>;
  const folder = aFolder();

  before(async function fill() {
    this.timeout(60_000);
    const home = join(folder, 'home');
    contents = await fillHome(home, blockCount);
    parts = partsOf(home);
    const read: [Part, unknown][] = [];
    for (const part of parts) read.push([part, await part.read(home, contents)]);
    expected = new Map(read);
  });

  async function outcomeOf(
    part: Part,
    flip: { readonly path: string; readonly offset: number; readonly bit: number },
    lane: number,
  ): Promise<string> {
    const home = join(folder, `lane-${lane}`);
    const bytes = Buffer.from(part.files.get(flip.path) ?? []);
    bytes[flip.offset] = (bytes[flip.offset] ?? 0) ^ (1 << flip.bit);
    layOut(home, new Map([...part.files, [flip.path, bytes]]));
    try {
      const read = await part.read(home, contents);
      return isDeepStrictEqual(read, expected.get(part)) ? 'the same' : 'wrong';
    } catch (error) {
      return error instanceof StorageFailure ? error.code : String(error);
    } finally {
      rmSync(home, { recursive: true });
    }
  }

  it(`changes no answer in ${flipCount} flips over every file of a home`, async function flips() {
    this.timeout(300_000);
    const random = seededRandom(seed);
    const counts = new Map<string, number>();
    const wrong: string[] = [];
    const paths = new Set<string>();
    let left = flipCount;
    const work = async (lane: number): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const part = random.pick(parts);
        const place = { ...pickByte(part, random), bit: random.below(8) };
        paths.add(place.path);
        const outcome = await outcomeOf(part, place, lane);
        counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
        if (!['the same', 'corrupt', 'missing', 'behind', 'foreign', 'io'].includes(outcome))
          wrong.push(`${outcome}: bit ${place.bit} of byte ${place.offset} of ${place.path}`);
      }
    };
    await Promise.all(Array.from({ length: lanes }, (_unused, lane) => work(lane)));
    console.log(`      ${JSON.stringify(Object.fromEntries(counts))} in ${paths.size} files`);
    assert.deepEqual(wrong, [], `seed ${seed}`);
  });
});
