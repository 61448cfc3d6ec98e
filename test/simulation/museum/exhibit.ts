/** A bug that somebody shipped, rebuilt in one line of our code, and what of our tests must notice it. */
import type { Mutation } from '../mutant.ts';

export type Catcher =
  /** Seeds of the core's simulator. */
  | { readonly kind: 'simulator'; readonly seedCountMax: number; readonly reason: RegExp }
  /** Sampled Twins scenarios. */
  | { readonly kind: 'twins'; readonly sampleCountMax: number; readonly reason: RegExp }
  /** The whole state space of two views. */
  | { readonly kind: 'exhaustive'; readonly reason: RegExp }
  /** Tests whose full title holds `title`, in a file under `test/`. */
  | { readonly kind: 'test'; readonly file: string; readonly title: string };

export interface Exhibit extends Mutation {
  /** What is wrong with it. */
  readonly bug: string;
  /** Project and issue, advisory, or paper. */
  readonly source: string;
  readonly catcher: Catcher;
}

export function unitTest(name: string, title: string): Catcher {
  return { kind: 'test', file: `unit/${name}.test`, title };
}

/** For the table: which suite, and which test of it. */
export function describeCatcher(catcher: Catcher): string {
  return catcher.kind === 'test' ? `${catcher.file}: ${catcher.title}` : catcher.kind;
}
