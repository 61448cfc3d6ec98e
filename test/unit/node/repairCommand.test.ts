/** The command that repairs: what it asks for before it touches anything. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { repairHome } from '../../../node/commands/repair.ts';
import { aFolder } from '../storage/builders.ts';

describe('rxledger repair', () => {
  it('asks for a configuration, and makes nothing without one', async () => {
    const home = aFolder();
    const outcome = await repairHome({ home, environment: {} });
    assert.equal(outcome.kind === 'failed' && outcome.exit, 'configuration');
    assert.deepEqual(readdirSync(home), []);
  });
});
