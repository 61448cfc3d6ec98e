import assert from 'node:assert/strict';
import { allowedFields, createLogger } from '../../../node/log.ts';
import type { LogLevel } from '../../../node/settings.ts';

function linesOf(level: LogLevel, isPretty: boolean) {
  const lines: string[] = [];
  const log = createLogger({ level, isPretty, write: (line) => void lines.push(line) });
  return { log, lines };
}

describe('the log', () => {
  it('keeps fields on its list and names the others without their values', () => {
    assert.deepEqual(allowedFields({ height: 7, patient: 'Luna', token: 'rxt1', txId: 'ab' }), {
      height: 7,
      txId: 'ab',
      dropped: ['patient', 'token'],
    });
  });

  it('drops objects even under a name on its list', () => {
    assert.deepEqual(allowedFields({ peer: { name: 'Luna' } }), { dropped: ['peer'] });
  });

  it('cuts long texts', () => {
    assert.deepEqual(allowedFields({ reason: 'x'.repeat(400) }), { reason: 'x'.repeat(300) });
  });

  it('keeps an error without the text of one that quotes its input, and without other properties', () => {
    const cause = new SyntaxError('Unexpected token in "Luna"');
    const error = Object.assign(new Error('cannot read', { cause }), { code: 'EIO', body: 'Luna' });
    const fields = JSON.stringify(allowedFields({ error }));
    assert.match(fields, /"name":"Error","code":"EIO","message":"cannot read"/);
    assert.match(fields, /"cause":\{"name":"SyntaxError","stack"/);
    assert.doesNotMatch(fields, /Luna/);
  });

  it('bounds the causes of an error', () => {
    const error = new Error('outer');
    error.cause = error;
    assert.equal(JSON.stringify(allowedFields({ error })).split('"cause"').length, 4);
  });

  it('says which part speaks', () => {
    const { log, lines } = linesOf('info', false);
    log.child('network').info({ peer: 'clinic' }, 'connected');
    const { time, ...rest } = JSON.parse(lines[0] ?? '{}') as Record<string, unknown>;
    assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.deepEqual(rest, { level: 'info', part: 'network', peer: 'clinic', msg: 'connected' });
  });

  it('writes what its level lets through, and changes the level for all parts', () => {
    const { log, lines } = linesOf('warn', false);
    const part = log.child('network');
    part.info({}, 'quiet');
    log.setLevel('info');
    part.info({}, 'heard');
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as { msg: string }).msg),
      ['heard'],
    );
  });

  it('writes lines for people if asked to', () => {
    const { log, lines } = linesOf('info', true);
    log.child('ledger').info({ height: 7 }, 'committed');
    assert.match(lines[0] ?? '', /^\d\d:\d\d:\d\d\.\d{3} info {2}\[ledger\] committed height=7\n$/);
  });
});
