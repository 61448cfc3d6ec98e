/**
 * Every refusal code, reached through JSON-RPC on the real ledger, and the tables that say how: protocol/refusals.md is made of the
 * cases that run here.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { refusalCodes } from '../../../../protocol/refusal.ts';
import { casesByTheme } from './allCases.ts';
import { beyondCalls } from './beyondCalls.ts';

// Compiled to dist/test/unit/rpc/refusals/, five folders below the top.
const top = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '..', '..');
const textOf = (path: string): string => readFileSync(join(top, path), 'utf8');
const manual = textOf('protocol/refusals.md');
const cases = Object.values(casesByTheme).flat();

/** The lines below the head of the table in a section of the manual. */
function rowsUnder(title: string): readonly string[] {
  const section = manual.split(/^## /m).find((text) => text.startsWith(title)) ?? '';
  return section.split('\n').filter((line) => line.startsWith('| `'));
}

function rowOf(...cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

describe('a refusal is met through JSON-RPC', () => {
  for (const { code, refused, when, reach } of cases) {
    it(`${code}: ${refused}, ${when}`, async () => {
      assert.equal(await reach(), code);
    });
  }
});

describe('the refusal codes', () => {
  it('are all met by a call, but for those that no call can meet', () => {
    const met = [...cases, ...beyondCalls].map(({ code }) => code);
    assert.deepEqual(
      refusalCodes.filter((code) => !met.includes(code)),
      [],
    );
  });

  it('are met by a call or beyond calls, not both', () => {
    const beyond = new Set(beyondCalls.map(({ code }) => code));
    assert.deepEqual(
      cases.filter(({ code }) => beyond.has(code)),
      [],
    );
  });

  it('that no call can meet are reached by the tests that are named', () => {
    const missing = beyondCalls.flatMap(({ code, tests }) =>
      tests.filter((test) => !textOf(`test/${test}`).includes(`'${code}'`)).map((test) => `${code}: ${test}`),
    );
    assert.deepEqual(missing, []);
  });
});

describe('the tables of refusals', () => {
  it('are the cases that run here', () => {
    const rows = refusalCodes.flatMap((code) =>
      Object.entries(casesByTheme).flatMap(([theme, own]) =>
        own
          .filter((one) => one.code === code)
          .map(({ refused, when, by }) =>
            rowOf(`\`${code}\``, `\`${refused}\``, when, by, `\`${theme}.ts\``),
          ),
      ),
    );
    assert.deepEqual(rowsUnder('Met by calls'), rows);
  });

  it('name those that no call can meet', () => {
    const rows = beyondCalls.map(({ code, why, tests }) =>
      rowOf(`\`${code}\``, why, tests.map((test) => `\`${test}\``).join(', ')),
    );
    assert.deepEqual(rowsUnder('Met beyond calls'), rows);
  });
});
