/** `member accept`: a newcomer, who has keys and no chain yet, makes the signed join from its ticket. Offline. */
import * as z from 'zod';
import type { Digest, Timestamp } from '../../protocol/brand.ts';
import { hexToBytes } from '../../protocol/bytes.ts';
import type { MemberKeys } from '../../protocol/member.ts';
import type { Signer } from '../../protocol/signature.ts';
import { decodeTicket, type Ticket } from '../../protocol/ticket.ts';
import { accepted, type Result } from '../../protocol/result.ts';
import { signerFromSeed } from '../ed25519.ts';
import { homePaths, parseJson, readPassphrase, readText, type HomeProblem } from '../home.ts';
import { KeystoreFailure } from '../keyFile.ts';
import { unlock, type Keystore } from '../keystore.ts';
import { keystoreOutcome } from './keys.ts';
import { signOffline } from './offline.ts';
import { answered, failed, type CommandContext, type CommandOutcome } from './outcome.ts';

const ticketFileBytesMax = 65_536;

const ticketFileSchema = z.looseObject({
  ticket: z.string().regex(/^0x([0-9a-f]{2})*$/),
  chainId: z.string().regex(/^0x[0-9a-f]{64}$/),
});

interface Invited {
  readonly chainId: Digest;
  readonly ticket: Ticket;
}

/** `now` is the wall clock, Unix ms. */
export async function acceptTicket(
  context: CommandContext,
  path: string,
  now: Timestamp,
): Promise<CommandOutcome> {
  const invited = readTicket(path);
  if (!invited.ok) return failed('failure', invited.refusal);
  const passphrase = readPassphrase(context.environment);
  if (!passphrase.ok) return failed('configuration', passphrase.refusal);
  try {
    const keystore = await unlock(homePaths(context.home).keys, passphrase.value, { isDevnet: true });
    const transaction = signJoin(invited.value, keystore, now);
    const { inviter, name } = invited.value.ticket;
    // The transaction is the data of this command; the inviter submits it with `member join`.
    return answered([transaction], { transaction, inviter, name });
  } catch (error) {
    if (error instanceof KeystoreFailure) return keystoreOutcome(error, context);
    throw error;
  }
}

function readTicket(path: string): Result<Invited, HomeProblem> {
  const text = readText(path, ticketFileBytesMax);
  if (!text.ok) return text;
  const file = ticketFileSchema.safeParse(parseJson(text.value));
  const ticket = file.success ? decodeTicket(hexToBytes(file.data.ticket.slice(2))) : null;
  if (!file.success || ticket?.ok !== true) {
    const message = `${path} is not a ticket`;
    return { ok: false, refusal: { message, hint: 'use the file that `rxledger member invite` printed' } };
  }
  return accepted({ chainId: file.data.chainId.slice(2) as Digest, ticket: ticket.value });
}

/** Network, consensus and admin key each sign: so the newcomer has all three. */
function signJoin({ chainId, ticket }: Invited, keystore: Keystore, now: Timestamp): string {
  const network = signerFromSeed(keystore.seed('network'));
  const signers: readonly Signer[] = [network, keystore.consensusSigner, keystore.adminSigner];
  const keys: MemberKeys = {
    networkKey: network.publicKey,
    consensusKey: keystore.consensusSigner.publicKey,
    sealingKey: keystore.sealingSecret.publicKey,
    adminKey: keystore.adminSigner.publicKey,
  };
  const { inviter: member } = ticket;
  return signOffline(
    { chainId, member, action: { kind: 'member.join', body: { ticket, keys } } },
    signers,
    now,
  );
}
