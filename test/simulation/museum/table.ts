/** The table of the museum's README, from the exhibits themselves. */
import { collection } from './collection.ts';
import { describeCatcher } from './exhibit.ts';

/** Cells of each row. */
export function tableRows(): readonly (readonly string[])[] {
  return collection.map(({ bug, source, file, catcher }) => [
    bug,
    source,
    file.replace(/\.js$/, '.ts'),
    describeCatcher(catcher),
  ]);
}
