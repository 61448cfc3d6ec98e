/**
 * Members whose nodes stand on one ledger in memory, and the two ways in which they do a step: by the method of its name, with the keys
 * of the nodes' keystores, or built, signed and submitted, as for keys that are held elsewhere.
 */
import { signerFromSeed } from '../../../node/ed25519.ts';
import type { MethodName, SignatureJson } from '../../../node/rpc/contract.ts';
import { hexOf } from '../../../node/rpc/json.ts';
import { hexToBytes } from '../../../protocol/bytes.ts';
import type { Signer } from '../../../protocol/signature.ts';
import { memberOn, type Caller } from './caller.ts';
import { memoryChain, type MemoryChain } from './memoryNode.ts';
import type { Step } from './walkSteps.ts';

/** Does a step. The answer: `committed`, `pending`, or the code of the refusal. */
export type Way = (walk: Walk, step: Step) => Promise<string>;

export interface Walk {
  readonly chain: MemoryChain;
  readonly at: (member: string) => Caller;
}

export function aWalk(): Walk {
  const chain = memoryChain();
  const callers = new Map<string, Caller>();
  return {
    chain,
    at: (member) => {
      const caller = callers.get(member) ?? memberOn(chain, member);
      callers.set(member, caller);
      return caller;
    },
  };
}

function outcomeOf({ status, code }: { readonly status: string; readonly code: string | null }): string {
  return code ?? status;
}

export const byHand: Way = async (walk, step) => {
  const { kind, body } = step;
  const built = await walk.at(step.member).call('tx_build', { kind, body });
  const signatures: SignatureJson[] = [];
  for (const [member, practitioner] of step.by) {
    const { key, sig } = await walk.at(member).call('tx_sign', { practitioner, payload: built.payload });
    signatures.push({ key, sig });
  }
  const message = hexToBytes(built.signingBytes.slice(2));
  for (const seed of step.seeds) signatures.push(signatureOf(signerFromSeed(seed), message));
  return outcomeOf(await walk.at(step.member).call('tx_submit', { payload: built.payload, signatures }));
};

function signatureOf(signer: Signer, message: Uint8Array): SignatureJson {
  return { key: hexOf(signer.publicKey), sig: hexOf(signer.sign(message)) };
}

/** Who signs at two nodes has no method of one node: such acts are built and signed. */
export const byName: Way = async (walk, step) => {
  const isAtOneNode = step.by.every(([member]) => member === step.member);
  if (!isAtOneNode) return byHand(walk, step);
  const [practitioner, ...coSigners] = step.by.map(([, name]) => name);
  const params = { ...step.params, ...(practitioner === undefined ? {} : { practitioner }), coSigners };
  const method = step.kind.replace('.', '_') as MethodName;
  const result: unknown = await walk.at(step.member).call(method, params);
  return outcomeOf(result as { readonly status: string; readonly code: string | null });
};

/** The ledger's time moves on to the step's. */
export function moveTo({ chain }: Walk, { notBefore }: Step): void {
  chain.timeMs = Math.max(chain.timeMs, notBefore) as typeof chain.timeMs;
}
