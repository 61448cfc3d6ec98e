/** An act of a member on its own node, told as a step. */
import type { ActionKind } from '../../protocol/action.ts';
import type { RpcClient } from '../../node/rpc/client.ts';
import type { TransactionResult } from '../../node/rpc/contract.ts';
import { tellWrite, type Stage, type WriteOutcome } from './step.ts';

interface Act {
  /** Without the member. */
  readonly title: string;
  readonly kind: ActionKind;
  readonly member: string;
  readonly expected?: WriteOutcome;
}

export async function act<T extends TransactionResult>(
  stage: Stage,
  { title, kind, member, expected = 'committed' }: Act,
  call: (client: RpcClient) => Promise<T>,
): Promise<T> {
  return tellWrite(stage, { title: `${member}: ${title}`, kind, member, expected }, () =>
    call(stage.devnet.client(member)),
  );
}
