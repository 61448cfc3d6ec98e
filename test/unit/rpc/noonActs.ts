/** The acts of the walk at noon, where ledgers in memory begin. */
import { noon } from '../../support/chain.ts';
import { actsIn, type Acts } from '../../support/walk/acts.ts';

const acts = actsIn({ startMs: noon });

export const time: Acts['time'] = acts.time;
export const nomination: Acts['nomination'] = acts.nomination;
export const step: Acts['step'] = acts.step;
export const issue: Acts['issue'] = acts.issue;
export const reserve: Acts['reserve'] = acts.reserve;
export const dispense: Acts['dispense'] = acts.dispense;
export const ship: Acts['ship'] = acts.ship;
export const withdraw: Acts['withdraw'] = acts.withdraw;
