import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cursorFile } from '../../../../devnet/adjudicator/cursorFile.ts';

const chainId = `0x${'ab'.repeat(32)}`;
const otherChainId = `0x${'cd'.repeat(32)}`;

describe('the cursor file', () => {
  let directory: string;
  let path: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'rxl-cursor-'));
    path = join(directory, 'cursor');
  });

  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  function codeOf(text: string): string | null {
    writeFileSync(path, text);
    const read = cursorFile(path).read(chainId);
    return read.ok ? null : read.refusal.code;
  }

  it('has nothing at first, and then what was saved last', () => {
    assert.deepEqual(cursorFile(path).read(chainId), { ok: true, value: null });
    cursorFile(path).save(chainId, '7.1');
    cursorFile(path).save(chainId, '12.0');
    assert.deepEqual(cursorFile(path).read(chainId), { ok: true, value: '12.0' });
    assert.deepEqual(readdirSync(directory), ['cursor']);
  });

  it('refuses the place on another chain', () => {
    cursorFile(path).save(otherChainId, '7.1');
    const read = cursorFile(path).read(chainId);
    assert.equal(read.ok ? null : read.refusal.code, 'wrongChain');
  });

  it('refuses what it did not write, rather than to begin somewhere', () => {
    const wrong = ['', '7.1', '{}', JSON.stringify({ chainId, cursor: '7' }), ' '.repeat(1_025)];
    assert.deepEqual(wrong.map(codeOf), [
      'cursorInvalid',
      'cursorInvalid',
      'cursorInvalid',
      'cursorInvalid',
      'fileUnreadable',
    ]);
  });
});
