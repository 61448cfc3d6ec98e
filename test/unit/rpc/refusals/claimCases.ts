/** Refusals of claims, from the estimate to the reversal. */
import { hour, type Step } from '../../../support/walk/step.ts';
import { dispense, issue, reserve, ship, step, withdraw } from '../noonActs.ts';
import { accept, accepted, adjudicate, adjudicated, claim, estimate, submit, total } from './moneySteps.ts';
import { altered, refusedWhen, type RefusalCase } from './refusalCase.ts';

const reserved: readonly Step[] = [issue('a'), reserve('a')];

/** All units of the first item, and so much of what the insurer paid for it. */
function reverse(covered: number, outcome: Step['outcome']): Step {
  const lines = [{ itemId: 0, units: 30, covered, patientPays: 0 }];
  const body = { ...claim('a'), reason: 'returned', eventIds: [], lines };
  return step('claim.reverse', { by: 'pharmacy: ph-wang', body, outcome });
}

export const claimCases: readonly RefusalCase[] = [
  refusedWhen('the claimId is another claim’s', ...reserved, estimate('a'), estimate('a', 'claimExists')),
  refusedWhen(
    'the pharmacy neither holds the fill nor supplied from it',
    issue('a'),
    estimate('a', 'notHolder'),
  ),
  refusedWhen(
    'the prices of the lines are not the total',
    ...reserved,
    altered(estimate('a'), { total: total + 1 }, 'amountsDoNotAdd'),
  ),
  refusedWhen(
    'what would be estimated was handed over',
    ...reserved,
    dispense('a'),
    ship('a'),
    estimate('a', 'tooLate'),
  ),
  refusedWhen('there is no such claim', adjudicate('a', 'claimUnknown')),
  refusedWhen('the estimate waited longer than the policy allows', ...reserved, estimate('a'), {
    ...adjudicate('a', 'tooLate'),
    notBefore: estimate('a').notBefore + 30 * hour,
  }),
  refusedWhen(
    'it was adjudicated before',
    ...reserved,
    estimate('a'),
    adjudicate('a'),
    adjudicate('a', 'claimState'),
  ),
  refusedWhen('the claim is another pharmacy’s', ...adjudicated('a'), {
    ...submit('a', 'claimPartyWrong'),
    member: 'rival',
    by: [['rival', 'ph-chen']],
  }),
  refusedWhen(
    'the lines are others than were adjudicated',
    ...adjudicated('a'),
    altered(submit('a'), { total: total + 1 }, 'amountMismatch'),
  ),
  refusedWhen(
    'it names a supply that there was not',
    ...adjudicated('a'),
    altered(submit('a'), { eventIds: [claim('b')['claimId'] ?? null] }, 'dispenseEventUnknown'),
  ),
  refusedWhen(
    'the supplies that it names are less',
    issue('a'),
    reserve('a'),
    estimate('a'),
    adjudicate('a'),
    dispense('a', { items: [[0, 30]] }),
    submit('a', 'quantityExceeded'),
  ),
  refusedWhen(
    'the supply stands in a claim',
    ...adjudicated('a'),
    submit('a'),
    withdraw('a', { outcome: 'dispenseEventClaimed' }),
  ),
  refusedWhen(
    'another amount stands',
    ...adjudicated('a'),
    submit('a'),
    altered(accept('a'), { covered: total - 1 }, 'amountMismatch'),
  ),
  refusedWhen('less is left of the line', ...accepted('a'), reverse(601, 'reversalTooLarge')),
];
