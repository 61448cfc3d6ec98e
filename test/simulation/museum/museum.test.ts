/** The bug museum: bugs that others shipped, each rebuilt in our code, each caught. */
import assert from 'node:assert/strict';
import { caught, openWorkshop, runTests, type Workshop } from './catch.ts';
import { collection } from './collection.ts';

const testMsMax = 120_000;

describe('the bug museum', () => {
  let workshop: Workshop;
  before(() => {
    workshop = openWorkshop();
  });
  after(() => workshop.close());

  it('shows nothing that is caught in healthy code too', () => {
    const catchers = collection.flatMap(({ catcher }) => (catcher.kind === 'test' ? [catcher] : []));
    const titles = [...new Set(catchers.map(({ title }) => title))];
    const pattern = titles.map((title) => title.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join('|');
    const files = [...new Set(catchers.map(({ file }) => file))];
    const { tests, failures } = runTests(workshop.folder, files, ['--grep', pattern]);
    assert.deepEqual(failures, []);
    assert.deepEqual(
      titles.filter((title) => !tests.some(({ fullTitle }) => fullTitle.includes(title))),
      [],
    );
  }).timeout(testMsMax);

  for (const exhibit of collection) {
    it(`catches code that ${exhibit.bug}`, async () => {
      const reason = await caught(workshop, exhibit);
      assert.notEqual(reason, null, `nothing caught it in ${exhibit.file}`);
      if (exhibit.catcher.kind !== 'test') assert.match(reason ?? '', exhibit.catcher.reason);
    }).timeout(testMsMax);
  }
});
