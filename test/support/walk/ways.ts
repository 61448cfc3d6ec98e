/** The two ways of doing a step: by the method of its name, and built, signed and submitted. */
import { signerFromSeed } from '../../../node/ed25519.ts';
import type {
  MethodName,
  MethodParams,
  MethodResult,
  SignatureJson,
  TransactionResult,
} from '../../../node/rpc/contract.ts';
import { hexOf } from '../../../node/rpc/json.ts';
import { actionKinds, type ActionKind } from '../../../protocol/action.ts';
import { hexToBytes } from '../../../protocol/bytes.ts';
import type { Signer } from '../../../protocol/signature.ts';
import { aSigner } from '../keys.ts';
import { keyTextOf } from './cast.ts';
import type { Step } from './step.ts';

/** As much of a node's client as a walk needs. */
interface WalkClient {
  readonly call: <M extends MethodName>(method: M, params: MethodParams<M>) => Promise<MethodResult<M>>;
}

export interface Walk {
  readonly at: (member: string) => WalkClient;
  /** Whether the member's node signs with this key; otherwise its owner does. */
  readonly isInKeystore: (member: string, name: string) => boolean;
}

export interface Done {
  readonly txId: string;
  /** The code of the refusal, or the status. */
  readonly outcome: string;
  readonly isByName: boolean;
}

export type Way = (walk: Walk, step: Step) => Promise<Done>;

/** Kinds without a method, and why. */
const withoutMethod: ReadonlyMap<ActionKind, string> = new Map([
  ['evidence.report', 'a node reports by itself, under its consensus key, which it lends to no method'],
]);

export const kindsWithMethod: readonly ActionKind[] = actionKinds.filter((kind) => !withoutMethod.has(kind));

/** Long enough for slow machines; the outcome is the answer. */
const timeoutMs = 60_000;

export const byHand: Way = async (walk, step) => {
  const { kind, body } = step;
  const built = await walk.at(step.member).call('tx_build', { kind, body });
  const { payload } = built;
  const message = hexToBytes(built.signingBytes.slice(2));
  const signatures: SignatureJson[] = step.seeds.map((seed) => signatureOf(signerFromSeed(seed), message));
  for (const [member, name] of step.by) {
    if (walk.isInKeystore(member, name)) {
      const { key, sig } = await walk.at(member).call('tx_sign', { practitioner: name, payload });
      signatures.push({ key, sig });
    } else signatures.push(signatureOf(aSigner(keyTextOf(member, name)), message));
  }
  const result = await walk.at(step.member).call('tx_submit', { payload, signatures, timeoutMs });
  return { ...outcomeOf(result), isByName: false };
};

function signatureOf(signer: Signer, message: Uint8Array): SignatureJson {
  return { key: hexOf(signer.publicKey), sig: hexOf(signer.sign(message)) };
}

function outcomeOf({ txId, status, code }: TransactionResult): Pick<Done, 'txId' | 'outcome'> {
  return { txId, outcome: code ?? status };
}

/** Who signs at two nodes has no method of one node: such acts are built and signed, and so is what has no method. */
export const byName: Way = async (walk, step) => {
  const isAtOneNode = step.by.every(([member]) => member === step.member);
  if (!isAtOneNode || withoutMethod.has(step.kind)) return byHand(walk, step);
  const [practitioner, ...coSigners] = step.by.map(([, name]) => name);
  const signers = practitioner === undefined ? {} : { practitioner, coSigners };
  const method = step.kind.replace('.', '_') as MethodName;
  const params = { ...step.params, ...signers, timeoutMs };
  const result: unknown = await walk.at(step.member).call(method, params);
  return { ...outcomeOf(result as TransactionResult), isByName: true };
};
