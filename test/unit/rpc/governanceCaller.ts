/** Calls about members and rules, and what a newcomer and a reporting node sign themselves. */
import assert from 'node:assert/strict';
import type { MethodName, MethodParams } from '../../../node/rpc/contract.ts';
import type { TicketView } from '../../../node/rpc/governanceContract.ts';
import { bytesText } from '../../../node/rpc/json.ts';
import type { ActionKind } from '../../../protocol/action.ts';
import type { Digest, MemberName, Sequence, Timestamp } from '../../../protocol/brand.ts';
import { hexToBytes } from '../../../protocol/bytes.ts';
import { type MemberKeys } from '../../../protocol/member.ts';
import type { RefusalCode } from '../../../protocol/refusal.ts';
import { decodeTicket } from '../../../protocol/ticket.ts';
import {
  encodeEnvelope,
  encodePayload,
  transactionId,
  transactionSigningBytes,
} from '../../../protocol/transaction.ts';
import { noon, valueOf } from '../../support/chain.ts';
import { batchEvidence, type Evidence } from '../../../protocol/evidence.ts';
import { batchDigest, batchSigningBytes } from '../../../protocol/batch.ts';
import { aSealingKeyPair, aSigner } from '../../support/keys.ts';
import { memberOn, type Caller } from './caller.ts';
import { digestOf, idOf, memoryChain, memoryPorts, type MemoryChain } from './memoryNode.ts';

export const voters: readonly string[] = ['hospital', 'pharmacy', 'rival', 'insurer', 'courier'];

/** Writes, and tells what the ledger answered: null if it committed. */
export async function codeOf<M extends MethodName>(
  caller: Caller,
  method: M,
  params: MethodParams<M>,
): Promise<RefusalCode | null> {
  const result: unknown = await caller.call(method, params);
  return (result as { readonly code: RefusalCode | null }).code;
}

export function keysOf(name: string): MemberKeys {
  return {
    networkKey: aSigner(`${name} network`).publicKey,
    consensusKey: aSigner(`${name} consensus`).publicKey,
    sealingKey: aSealingKeyPair(name).publicKey,
    adminKey: aSigner(`${name} admin`).publicKey,
  };
}

/** What the newcomer makes of its ticket, with its own keys. */
export function joinWith(given: TicketView): string {
  const name = 'newcomer';
  const ticket = valueOf(decodeTicket(hexToBytes(given.ticket.slice(2))));
  const chainId = given.chainId.slice(2) as Digest;
  const payload = encodePayload({
    chainId,
    id: idOf(`join ${name}`),
    member: ticket.inviter,
    notAfter: (noon + 3_600_000) as Timestamp,
    action: { kind: 'member.join', body: { ticket, keys: keysOf(name) } },
    seals: [],
  });
  const message = transactionSigningBytes(chainId, transactionId(payload));
  const signers = ['network', 'consensus', 'admin'].map((purpose) => aSigner(`${name} ${purpose}`));
  const signatures = signers.map((signer) => ({ key: signer.publicKey, sig: signer.sign(message) }));
  return bytesText(encodeEnvelope(payload, signatures));
}

export async function approve(
  chain: MemoryChain,
  motionId: string,
  count = 4,
): Promise<readonly (RefusalCode | null)[]> {
  const codes: (RefusalCode | null)[] = [];
  for (const voter of voters.slice(0, count)) {
    codes.push(await codeOf(memberOn(chain, voter), 'member_vote', { motionId, approve: true }));
  }
  return codes;
}

export function twoBatchesOf(member: string): Evidence {
  const signer = aSigner(`${member} consensus`);
  const name = { member: member as MemberName, sequence: 4 as Sequence };
  const chainId = memoryPorts(memoryChain()).ledger.chainId;
  const [first, second] = ['one', 'another'].map((text) => {
    const bodyHash = digestOf(text);
    return {
      bodyHash,
      signature: signer.sign(batchSigningBytes(chainId, batchDigest({ ...name, bodyHash }))),
    };
  });
  assert.ok(first !== undefined && second !== undefined);
  return batchEvidence({ key: signer.publicKey, ...name }, first, second);
}

/** As a node reports: under its consensus key. */
export async function report(
  chain: MemoryChain,
  evidence: Evidence,
  by = 'hospital',
): Promise<{ readonly txId: string; readonly code: RefusalCode | null }> {
  const ports = memoryPorts(chain, by);
  const { chainId } = ports.ledger;
  const kind: ActionKind = 'evidence.report';
  const payload = encodePayload({
    chainId,
    id: idOf(`report of ${by}`),
    member: by as MemberName,
    notAfter: (chain.timeMs + 60_000) as Timestamp,
    action: { kind, body: { evidence } },
    seals: [],
  });
  const signer = aSigner(`${by} consensus`);
  const sig = signer.sign(transactionSigningBytes(chainId, transactionId(payload)));
  const envelope = encodeEnvelope(payload, [{ key: signer.publicKey, sig }]);
  return memberOn(chain, by).call('tx_submit', { transaction: bytesText(envelope) });
}

/** The newcomer's node, after the voters admitted it. */
export async function admitted(chain: MemoryChain): Promise<Caller> {
  const hospital = memberOn(chain, 'hospital');
  const ticket = await hospital.call('member_invite', { name: 'newcomer', roles: ['pharmacy'] });
  await hospital.call('member_join', { transaction: joinWith(ticket) });
  await approve(chain, ticket.motionId);
  return memberOn(chain, 'newcomer');
}

/** Proposes the next policy and votes for it; what the votes were answered. */
export async function newPolicy(
  chain: MemoryChain,
  when: { readonly effectiveHeight: number },
): Promise<readonly (RefusalCode | null)[]> {
  const { policy } = await memberOn(chain, 'hospital').call('policy_get', {});
  const next = { ...policy, version: 2, graceMs: 0 };
  const { motionId } = await memberOn(chain, 'hospital').call('policy_propose', { policy: next, ...when });
  const codes: (RefusalCode | null)[] = [];
  for (const voter of voters.slice(0, 4)) {
    codes.push(await codeOf(memberOn(chain, voter), 'policy_vote', { motionId, approve: true }));
  }
  return codes;
}
