/** The bug museum keeps up with the code: seen here at once, and not only when the long tests run. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { collection } from '../../simulation/museum/collection.ts';
import { tableRows } from '../../simulation/museum/table.ts';
import { mutatedText } from '../../simulation/mutant.ts';

// Compiled to dist/test/unit/simulation/.
const top = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '..');

function rowsIn(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
    .filter(([first]) => first !== undefined && !/^-+$/.test(first));
}

describe('the bug museum', () => {
  it('changes a line that stands exactly once in the code', () => {
    for (const exhibit of collection) {
      assert.notEqual(
        mutatedText(exhibit),
        mutatedText({ ...exhibit, replacement: exhibit.text }),
        exhibit.bug,
      );
    }
  });

  it('shows each bug once, forty of them at least, each with its source', () => {
    const bugs = collection.map(({ bug }) => bug);
    assert.equal(new Set(bugs).size, bugs.length);
    assert.ok(bugs.length >= 40, `${bugs.length} bugs`);
    assert.ok(collection.every(({ source }) => source.length > 5));
  });

  it('is listed in its README as it is', () => {
    const readme = readFileSync(join(top, 'test', 'simulation', 'museum', 'README.md'), 'utf8');
    assert.deepEqual(rowsIn(readme), tableRows());
  });
});
