/** Refusals of a transaction as such: its bytes, its signatures, its time, its id, and a node that has no room for it. */
import { callerOf, memberOn, type Caller } from '../caller.ts';
import { hexOf, bytesText } from '../../../../node/rpc/json.ts';
import type { Digest } from '../../../../protocol/brand.ts';
import { hexToBytes } from '../../../../protocol/bytes.ts';
import { decodeCbor, encodeCbor } from '../../../../protocol/codec.ts';
import { transactionBytesMax } from '../../../../protocol/limits.ts';
import { decodePayload, encodePayload } from '../../../../protocol/transaction.ts';
import { valueOf } from '../../../support/chain.ts';
import { aGate } from '../../../support/nodeParts.ts';
import { digestOf, idOf, memoryChain, memoryPorts } from '../memoryNode.ts';
import { stopped } from '../../../support/walk/acts.ts';
import { day } from '../../../support/walk/step.ts';
import { time } from '../noonActs.ts';
import type { RefusalCase } from './refusalCase.ts';

interface Signed {
  readonly payload: string;
  readonly signatures: readonly { readonly key: string; readonly sig: string }[];
}

const hold = { kind: 'rx.hold', body: stopped('a') } as const;

/** A hold by the hospital's doctor. */
async function signedBy(
  hospital: Caller,
  choice: { readonly notAfter?: string; readonly id?: string } = {},
): Promise<Signed> {
  const { payload } = await hospital.call('tx_build', { ...hold, ...choice });
  const { key, sig } = await hospital.call('tx_sign', { practitioner: 'dr-zhang', payload });
  return { payload, signatures: [{ key, sig }] };
}

/** What tx_submit of the hospital's node says to a good transaction after `change`. */
function submitting(
  change: (signed: Signed) => Signed | { readonly transaction: string },
  choice: { readonly notAfter?: string } = {},
): RefusalCase['reach'] {
  return async () => {
    const hospital = memberOn(memoryChain(), 'hospital');
    return nameOf(hospital, change(await signedBy(hospital, choice)));
  };
}

async function nameOf(caller: Caller, params: object): Promise<string> {
  return (await caller.refusal('tx_submit', params)).data.name;
}

function bytesOf(text: string): Uint8Array {
  return hexToBytes(text.slice(2));
}

function onAnotherChain(signed: Signed): Signed {
  const payload = valueOf(decodePayload(bytesOf(signed.payload)));
  const chainId: Digest = digestOf('another chain');
  return { ...signed, payload: bytesText(encodePayload({ ...payload, chainId })) };
}

function ofUnknownKind(signed: Signed): Signed {
  const fields = valueOf(decodeCbor(bytesOf(signed.payload), transactionBytesMax)) as object;
  return { ...signed, payload: bytesText(encodeCbor({ ...fields, kind: 'rx.forget' })) };
}

/** The gate's verifier is full, so nothing is judged. */
async function submitToBusyNode(): Promise<string> {
  const chain = memoryChain();
  const ports = memoryPorts(chain);
  const gate = aGate({
    chainId: ports.ledger.chainId,
    verifyMany: async () => Promise.reject(new Error('full')),
  });
  const submit: typeof ports.transactions.submit = async (bytes) => {
    const transaction = await gate.transaction(bytes, chain.timeMs);
    return transaction.ok ? ports.transactions.submit(bytes) : transaction;
  };
  const busy = callerOf(memoryPorts(chain, 'hospital', { transactions: { ...ports.transactions, submit } }));
  return nameOf(busy, await signedBy(memberOn(chain, 'hospital')));
}

/** Two nodes, for one node remembers the ids of its own calls. */
async function reuseId(): Promise<string | null> {
  const chain = memoryChain();
  const id = hexOf(idOf('one id'));
  const hospital = memberOn(chain, 'hospital');
  await hospital.call('tx_submit', await signedBy(hospital, { id }));
  const other = memberOn(chain, 'hospital');
  return (await other.call('tx_submit', await signedBy(other, { id, notAfter: time(day / 2) }))).code;
}

const by = 'node';
const refused = 'tx_submit';

export const admissionCases: readonly RefusalCase[] = [
  {
    code: 'malformed',
    refused,
    when: 'the bytes are no transaction',
    by,
    reach: submitting(() => ({ transaction: '0xa0' })),
  },
  {
    code: 'tooLarge',
    refused,
    when: 'it has more than 32,768 bytes',
    by,
    reach: submitting(() => ({ transaction: `0x${'00'.repeat(transactionBytesMax + 1)}` })),
  },
  { code: 'wrongChain', refused, when: 'it is of another chain', by, reach: submitting(onAnotherChain) },
  {
    code: 'unknownKind',
    refused,
    when: 'nobody knows its kind',
    by,
    reach: submitting(ofUnknownKind),
  },
  {
    code: 'badSignature',
    refused,
    when: 'a signature is over other bytes',
    by,
    reach: submitting(({ payload, signatures }) => ({
      payload,
      signatures: signatures.map(({ key }) => ({ key, sig: `0x${'01'.repeat(64)}` })),
    })),
  },
  {
    code: 'expired',
    refused,
    when: 'its notAfter is over',
    by,
    reach: submitting((signed) => signed, { notAfter: time(0) }),
  },
  {
    code: 'notAfterTooFar',
    refused,
    when: 'its notAfter is more than 24 hours ahead',
    by,
    reach: submitting((signed) => signed, { notAfter: time(2 * day) }),
  },
  { code: 'busy', refused, when: 'the node has too much to verify', by, reach: submitToBusyNode },
  {
    code: 'idReused',
    refused,
    when: 'its id is another transaction’s, whose notAfter is to come',
    by: 'ledger',
    reach: reuseId,
  },
];
