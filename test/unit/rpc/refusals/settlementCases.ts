/** Refusals of statements and of rounds of netting. */
import {
  accepted,
  agree,
  confirm,
  confirmed,
  net,
  pay,
  propose,
  statement,
  total,
  transfer,
} from './moneySteps.ts';
import { altered, refusedWhen, type RefusalCase } from './refusalCase.ts';

const { period } = statement;

export const settlementCases: readonly RefusalCase[] = [
  refusedWhen('nothing was accepted since the last statement', propose(period, 'nothingToSettle')),
  refusedWhen(
    'the pair has a statement of this period',
    ...accepted('a'),
    propose(period),
    ...accepted('b'),
    propose(period, 'statementExists'),
  ),
  refusedWhen('there is no such statement', confirm('a', 'statementUnknown')),
  refusedWhen('it is not confirmed', ...accepted('a'), propose(period), pay('statementState')),
  refusedWhen(
    'the sums are not the ledger’s',
    ...accepted('a'),
    propose(period),
    confirm('b', 'statementMismatch'),
  ),
  refusedWhen('the other side would have to propose', {
    ...propose(period, 'roleMissing'),
    member: 'pharmacy',
    by: [['pharmacy', 'acc-zhou']],
  }),
  refusedWhen(
    'it would net a statement that is in a round',
    ...confirmed('a'),
    net('one'),
    net('two', 'statementState'),
  ),
  refusedWhen('the name is another round’s', ...confirmed('a'), net('one'), net('one', 'roundExists')),
  refusedWhen('there is no such round', agree('one', 'roundUnknown')),
  refusedWhen(
    'the member has agreed before',
    ...confirmed('a'),
    net('one'),
    agree('one'),
    agree('one', 'roundState'),
  ),
  refusedWhen(
    'the net is not the ledger’s',
    ...confirmed('a'),
    net('one'),
    altered(agree('one'), { net: 0 }, 'statementMismatch'),
  ),
  refusedWhen('not everybody has agreed', ...confirmed('a'), net('one'), transfer('one', 'roundState')),
  refusedWhen(
    'the round has no such transfer left',
    ...confirmed('a'),
    net('one'),
    agree('one'),
    altered(transfer('one'), { amount: total - 1 }, 'transferUnknown'),
  ),
];
