/** `npm run month`: the generated month through the ledger's executor, with what was done and how long a prescription takes. */
import { useNativeSha256 } from '../../../node/nativeSha256.ts';
import { pilotRegion, runMonth } from './run.ts';

useNativeSha256();

const { book, kinds, issuedCount, wrong } = runMonth(pilotRegion());
const actCount = [...kinds.values()].reduce((sum, count) => sum + count, 0);
const lines = [
  ...[...kinds]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, count]) => `${String(count).padStart(8)}  ${kind}`),
  `${issuedCount} prescriptions, ${actCount} acts in ${book.height} blocks, ${wrong.length} wrong answers`,
  `${Math.round((1_000 * book.executeMs) / issuedCount)} µs of execution per prescription, ${Math.round((1_000 * book.executeMs) / actCount)} µs per act`,
  `state root ${book.stateRoot}`,
];
process.stdout.write(`${lines.join('\n')}\n`);
