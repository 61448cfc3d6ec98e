/** The command about the ballast. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ballast } from '../../../node/commands/ballast.ts';
import { renderConfig } from '../../../node/configText.ts';
import { aFolder } from '../storage/builders.ts';

function aHome(ballastBytes: number, softBytes = 0): string {
  const home = aFolder();
  const text = renderConfig({ name: 'clinic', disk: { softBytes, hardBytes: 0, ballastBytes } });
  writeFileSync(join(home, 'config.toml'), text);
  return home;
}

describe('rxledger ballast', () => {
  it('makes it, shows it and gives it up', async () => {
    const context = { home: aHome(5_000), environment: {} };
    const made = await ballast(context, 'make');
    assert.equal(made.kind === 'answered' && made.lines[2], 'ballast  5000 of 5000 bytes');
    const shown = await ballast(context, 'show');
    assert.equal(shown.kind === 'answered' && shown.lines[2], 'ballast  5000 of 5000 bytes');
    const freed = await ballast(context, 'free');
    assert.equal(freed.kind === 'answered' && freed.lines[2], 'ballast  0 of 5000 bytes');
  });

  it('does not make one that would bring the disk below the soft mark', async () => {
    const home = aHome(5_000, Number.MAX_SAFE_INTEGER);
    const outcome = await ballast({ home, environment: {} }, 'make');
    assert.equal(
      outcome.kind === 'failed' && outcome.message,
      'no room for a ballast of 5000 bytes above the soft mark',
    );
  });

  it('asks for a configuration', async () => {
    const outcome = await ballast({ home: aFolder(), environment: {} }, 'show');
    assert.equal(outcome.kind === 'failed' && outcome.exit, 'configuration');
  });
});
