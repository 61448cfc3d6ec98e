import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acceptTicket } from '../../../node/commands/accept.ts';
import type { Call } from '../../../node/commands/client.ts';
import { afterMotion, inviteMember, proposeChange } from '../../../node/commands/member.ts';
import type { CommandContext, CommandOutcome } from '../../../node/commands/outcome.ts';
import { proposePolicyFile } from '../../../node/commands/policy.ts';
import { ed25519, sealingKeyPairFromSeed } from '../../../node/ed25519.ts';
import { scryptNDevnet } from '../../../node/keyFile.ts';
import { createKey } from '../../../node/keystore.ts';
import type { MethodResult } from '../../../node/rpc/contract.ts';
import { hexToBytes } from '../../../protocol/bytes.ts';
import type { Height, MemberName } from '../../../protocol/brand.ts';
import { encodeTicket, ticketSigningBytes, type Invitation } from '../../../protocol/ticket.ts';
import { decodeTransaction, verifyTransaction } from '../../../protocol/transaction.ts';
import { adminOf, anId, later, noon, testChainId, valueOf } from '../../support/chain.ts';
import { aSeed, aSigner } from '../../support/keys.ts';

let directory = '';

function context(passphrase = 'secret'): CommandContext {
  return { home: directory, environment: { RXLEDGER_PASSPHRASE: passphrase } };
}

function exitOf(outcome: CommandOutcome): string {
  return outcome.kind === 'failed' ? `${outcome.exit}: ${outcome.message}` : outcome.exit;
}

function writeTicket(): string {
  const invitation: Invitation = {
    motionId: anId(7),
    expiresHeight: 1_000 as Height,
    inviter: 'hospital' as MemberName,
    name: 'newcomer' as MemberName,
    roles: ['pharmacy'],
    until: later(86_400_000),
    key: adminOf('hospital').publicKey,
  };
  const signature = adminOf('hospital').sign(ticketSigningBytes(testChainId, invitation));
  const ticket = `0x${Buffer.from(encodeTicket({ ...invitation, signature })).toString('hex')}`;
  const path = join(directory, 'ticket.json');
  writeFileSync(path, JSON.stringify({ ticket, chainId: `0x${testChainId}`, name: 'newcomer' }));
  return path;
}

describe('member accept', () => {
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'rxledger-accept-'));
    for (const purpose of ['network', 'consensus', 'sealing', 'admin'] as const) {
      const order = { name: purpose, purpose, seed: aSeed(`new ${purpose}`), passphrase: 'secret' };
      await createKey(join(directory, 'keys'), { ...order, scryptN: scryptNDevnet });
    }
  });

  after(() => rmSync(directory, { recursive: true, force: true }));

  it('makes of the ticket a join that all three keys have signed, without a node', async () => {
    const outcome = await acceptTicket(context(), writeTicket(), noon);
    assert.equal(outcome.kind, 'answered');
    const [text] = outcome.kind === 'answered' ? outcome.lines : [];
    const decoded = valueOf(decodeTransaction(hexToBytes(text?.slice(2) ?? '')));
    const transaction = valueOf(verifyTransaction(decoded, testChainId, ed25519));
    assert.ok(transaction.action.kind === 'member.join');
    assert.equal(transaction.member, 'hospital');
    const signers = ['network', 'consensus', 'admin'].map((purpose) => aSigner(`new ${purpose}`).publicKey);
    assert.deepEqual(
      transaction.signatures.map(({ key }) => key),
      signers,
    );
    const sealingKey = sealingKeyPairFromSeed(aSeed('new sealing')).publicKey;
    const [networkKey, consensusKey, adminKey] = signers;
    assert.deepEqual(transaction.action.body.keys, { networkKey, consensusKey, sealingKey, adminKey });
  });

  it('takes no file that is not a ticket, and no wrong passphrase', async () => {
    const path = join(directory, 'other.json');
    writeFileSync(path, '{"ticket":"0x00","chainId":"0x00"}');
    assert.equal(exitOf(await acceptTicket(context(), path, noon)), `failure: ${path} is not a ticket`);
    assert.match(exitOf(await acceptTicket(context('wrong'), writeTicket(), noon)), /^notAuthorised/);
  });
});

describe('the commands about members and rules', () => {
  const names = ['a', 'b', 'c', 'd'];
  const motion = {
    motionId: `0x${anId(7)}`,
    kind: 'demote',
    member: 'd',
    status: 'open',
    approvals: ['a'],
    rejections: [],
    votersNow: { n: 4, f: 1, q: 3, names },
    votersThen: { n: 3, f: 0, q: 2, names: names.slice(0, 3) },
  } as unknown as MethodResult<'motion_get'>['motion'];
  const call = (async () => ({ asOfHeight: 1, motion })) as unknown as Call;
  const result = { txId: '0x01', motionId: motion.motionId, code: null, hint: null } as const;

  it('show n, f and q before and after', async () => {
    const outcome = await afterMotion(call, { ...result, status: 'committed' });
    assert.deepEqual(outcome.kind === 'answered' ? outcome.lines : [], [
      'committed    0x01',
      `${motion.motionId} demote d: open, 1 for and 0 against, 3 needed`,
      'voters now   n=4 f=1 q=3 (a, b, c, d)',
      'voters then  n=3 f=0 q=2 (a, b, c)',
    ]);
  });

  it('say what the ledger refused, and what is not known yet', async () => {
    const refusal = { ...result, status: 'refused', code: 'notReady', hint: 'Send READY.' } as const;
    assert.equal(exitOf(await afterMotion(call, refusal)), 'failure: the ledger refused it: notReady');
    const pending = await afterMotion(call, { ...result, status: 'pending' });
    assert.equal(exitOf(pending), 'outcomeUnknown: the outcome is not known yet (pending)');
  });

  it('refuse words that they do not know before they ask a node', async () => {
    assert.equal(exitOf(await inviteMember(context(), 'x', ['chef'])), 'usage: unknown member role');
    const flags = { change: 'crown', member: 'd', isForced: false };
    assert.equal(exitOf(await proposeChange(context(), flags)), 'usage: crown is no change of a member');
    const missing = await proposePolicyFile(context(), '/nowhere/rules.json', null);
    assert.equal(exitOf(missing), 'failure: /nowhere/rules.json does not exist');
  });
});
