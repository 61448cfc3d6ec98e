import assert from 'node:assert/strict';
import { ed25519 } from '../../../node/ed25519.ts';
import type { Height, MemberName } from '../../../protocol/brand.ts';
import { accepted, refused } from '../../../protocol/result.ts';
import {
  decodeTicket,
  encodeTicket,
  ticketCheck,
  ticketSigningBytes,
  type Invitation,
  type Ticket,
} from '../../../protocol/ticket.ts';
import { aDigest, adminOf, anId, later, testChainId } from '../../support/chain.ts';

const invitation: Invitation = {
  motionId: anId(1),
  expiresHeight: 9 as Height,
  inviter: 'hospital' as MemberName,
  name: 'newcomer' as MemberName,
  roles: ['pharmacy', 'courier'],
  until: later(86_400_000),
  key: adminOf('hospital').publicKey,
};
const signature = adminOf('hospital').sign(ticketSigningBytes(testChainId, invitation));
const ticket: Ticket = { ...invitation, signature };

function isGood(own: Ticket, chainId = testChainId): boolean {
  const { message, signature, key } = ticketCheck(chainId, own);
  return ed25519.verify(message, signature, key);
}

describe('a ticket', () => {
  it('is signed by the inviter, for one chain', () => {
    assert.equal(isGood(ticket), true);
    assert.equal(isGood(ticket, aDigest(1)), false);
  });

  it('survives its encoding', () => {
    assert.deepEqual(decodeTicket(encodeTicket(ticket)), accepted(ticket));
  });

  it('does not hold with any byte changed', () => {
    const bytes = encodeTicket(ticket);
    for (let at = 0; at < bytes.length; at += 1) {
      const decoded = decodeTicket(bytes.with(at, (bytes[at] ?? 0) ^ 1));
      assert.equal(decoded.ok && isGood(decoded.value), false, `byte ${at}`);
    }
  });

  it('is refused when it is too large', () => {
    assert.deepEqual(decodeTicket(new Uint8Array(1_025)), refused('tooLarge', 'at most 1024 bytes'));
  });
});
