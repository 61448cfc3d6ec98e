/** All exhibits, in the order of the table in README.md. */
import { agreement } from './agreement.ts';
import { bytes } from './bytes.ts';
import type { Exhibit } from './exhibit.ts';
import { disk, node } from './machine.ts';

export const collection: readonly Exhibit[] = [...agreement, ...bytes, ...disk, ...node];
