/**
 * The one door: bytes to verified values, for RPC, gossip, direct streams, sync and the node's own disk. A signature that
 * was verified once is remembered for a while, so a vote is not verified again inside its certificate.
 */
import { decodeBatch, verifyBatch, type Batch } from '../protocol/batch.ts';
import { namesItsBatches } from '../protocol/block.ts';
import type { Digest, Epoch, MemberName, PublicKey, Timestamp, Verified } from '../protocol/brand.ts';
import { bytesToHex, equalBytes } from '../protocol/bytes.ts';
import { verifyCertificate, type Certificate } from '../protocol/certificate.ts';
import { unreachable } from '../protocol/invariant.ts';
import { notAfterAheadMsMax } from '../protocol/limits.ts';
import type { VoterSet } from '../protocol/member.ts';
import { decodeMessage, type ConsensusMessage } from '../protocol/message.ts';
import { verifyProposal, type Proposal } from '../protocol/proposal.ts';
import { accepted, refused, type Result } from '../protocol/result.ts';
import type { SignatureCheck, SignatureScheme } from '../protocol/signature.ts';
import { asVerified, decodeTransaction, signatureChecks, type Transaction } from '../protocol/transaction.ts';
import { verifyVote, type Vote } from '../protocol/vote.ts';

/** Verifies many at once, in worker threads; outcomes in the order of the items. */
export type VerifyMany = (items: readonly SignatureCheck[]) => Promise<readonly boolean[]>;

/** A batch whose author and every transaction in it were verified. */
export interface VerifiedBatch {
  readonly batch: Verified<Batch>;
  readonly transactions: readonly Verified<Transaction>[];
}

/**
 * A consensus frame, verified as far as its kind can be. `known` says nothing that the core could use, `early` is of the next epoch:
 * neither was verified.
 */
export type VerifiedMessage =
  | { readonly kind: 'known' | 'early' }
  | { readonly kind: 'vote'; readonly vote: Verified<Vote> }
  | { readonly kind: 'proposal'; readonly proposal: Verified<Proposal> }
  | { readonly kind: 'certificate'; readonly certificate: Verified<Certificate> }
  | Extract<ConsensusMessage, { readonly kind: 'status' | 'certificatesWanted' }>;

export interface GateOptions {
  readonly chainId: Digest;
  /** Of the epoch in force, which changes: read anew for each message. */
  readonly voters: VoterSet;
  /** Keys that an active member's batches are good under, the present one first: a rotation overtakes batches on their way. */
  readonly batchKeysOf: (member: MemberName) => readonly PublicKey[];
  /** Whether the core still has a use for it: half of the votes and certificates of a view come late. */
  readonly isVoteNew: (vote: Vote) => boolean;
  readonly isCertificateNew: (certificate: Certificate) => boolean;
  /** Whether it waits here or was executed: then its time has no say any more, and its sender is told what became of it. */
  readonly isKnown: (transaction: Transaction) => boolean;
  /** A batch that was verified and is still held: the same bytes again, by gossip and by request, cost nothing again. */
  readonly heldBatch: (digest: Digest) => VerifiedBatch | null;
  readonly scheme: SignatureScheme;
  readonly verifyMany: VerifyMany;
}

const rememberedMax = 8_192;

/** Remembers good signatures in two generations, so that memory is bounded and the newest are always there. */
function rememberingScheme(scheme: SignatureScheme): SignatureScheme {
  let young = new Set<string>();
  let old = new Set<string>();
  return {
    verify: (message, signature, publicKey) => {
      const key = `${signature}${publicKey}${bytesToHex(message)}`;
      if (young.has(key) || old.has(key)) return true;
      if (!scheme.verify(message, signature, publicKey)) return false;
      young.add(key);
      if (young.size >= rememberedMax) {
        old = young;
        young = new Set();
      }
      return true;
    },
  };
}

export class Gate {
  readonly #options: GateOptions;
  readonly #scheme: SignatureScheme;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#scheme = rememberingScheme(options.scheme);
  }

  /** A transaction of one of our own applications. Refusals: those of decoding, `wrongChain`, `expired`, `notAfterTooFar`, `badSignature`. */
  async transaction(envelopeBytes: Uint8Array, now: Timestamp): Promise<Result<Verified<Transaction>>> {
    const decoded = decodeTransaction(envelopeBytes);
    if (!decoded.ok) return decoded;
    const transaction = decoded.value;
    if (transaction.chainId !== this.#options.chainId) return refused('wrongChain');
    if (transaction.notAfter <= now && !this.#options.isKnown(transaction)) return refused('expired');
    if (transaction.notAfter > now + notAfterAheadMsMax) return refused('notAfterTooFar');
    return this.#verifySignatures(transaction);
  }

  isKnown(transaction: Transaction): boolean {
    return this.#options.isKnown(transaction);
  }

  /** A batch from a member, from a store or from our own disk. One bad transaction refuses it whole. */
  async batch(bytes: Uint8Array): Promise<Result<VerifiedBatch>> {
    const decoded = decodeBatch(bytes);
    if (!decoded.ok) return decoded;
    const held = this.#options.heldBatch(decoded.value.digest);
    // The digest does not cover the author's signature, so all bytes are compared.
    if (held !== null && equalBytes(held.batch.bytes, bytes)) return accepted(held);
    const batch = this.#verifyAuthor(decoded.value);
    if (!batch.ok) return batch;
    const transactions: Transaction[] = [];
    for (const envelope of batch.value.envelopes) {
      const transaction = decodeTransaction(envelope);
      if (!transaction.ok) return refused('batchInvalid', transaction.refusal.code);
      if (transaction.value.chainId !== this.#options.chainId) return refused('batchInvalid', 'wrongChain');
      transactions.push(transaction.value);
    }
    const verified = await this.#verifyAll(transactions);
    return verified.ok ? accepted({ batch: batch.value, transactions: verified.value }) : verified;
  }

  #verifyAuthor(batch: Batch): Result<Verified<Batch>> {
    const { batchKeysOf, chainId, scheme } = this.#options;
    let verdict: Result<Verified<Batch>> = refused('memberNotActive');
    for (const consensusKey of batchKeysOf(batch.member)) {
      verdict = verifyBatch(batch, { chainId, consensusKey }, scheme);
      if (verdict.ok) return verdict;
    }
    return verdict;
  }

  /** A frame of the consensus channel. Refusals: those of decoding and of the verify functions. */
  frame(bytes: Uint8Array): Result<VerifiedMessage> {
    const decoded = decodeMessage(bytes);
    if (!decoded.ok) return decoded;
    const message = decoded.value;
    const inForce = this.#options.voters.epoch;
    const epoch = epochOf(message) ?? inForce;
    if (epoch !== inForce) return accepted({ kind: epoch === inForce + 1 ? 'early' : 'known' });
    switch (message.kind) {
      case 'vote': {
        if (!this.#options.isVoteNew(message.vote)) return accepted({ kind: 'known' });
        const vote = verifyVote(message.vote, this.#options, this.#scheme);
        return vote.ok ? accepted({ kind: 'vote', vote: vote.value }) : vote;
      }
      case 'proposal': {
        // Else whoever relays it could put another list under the leader's signature, and ours would be the first proposal.
        if (!namesItsBatches(message.proposal.block)) return refused('headerInvalid', 'batchesRoot');
        const proposal = verifyProposal(message.proposal, this.#options, this.#scheme);
        return proposal.ok ? accepted({ kind: 'proposal', proposal: proposal.value }) : proposal;
      }
      case 'certificate': {
        if (!this.#options.isCertificateNew(message.certificate)) return accepted({ kind: 'known' });
        const certificate = this.certificate(message.certificate);
        return certificate.ok
          ? accepted({ kind: 'certificate', certificate: certificate.value })
          : certificate;
      }
      case 'status':
      case 'certificatesWanted':
        return accepted(message);
      default:
        return unreachable(message);
    }
  }

  certificate(certificate: Certificate): Result<Verified<Certificate>> {
    return verifyCertificate(certificate, this.#options, this.#scheme);
  }

  /** Null when the verifier is full or stopping: nothing was judged. */
  async #check(items: readonly SignatureCheck[]): Promise<readonly boolean[] | null> {
    try {
      return await this.#options.verifyMany(items);
    } catch {
      return null;
    }
  }

  async #verifySignatures(transaction: Transaction): Promise<Result<Verified<Transaction>>> {
    const outcomes = await this.#check(signatureChecks(transaction));
    return outcomes === null ? refused('busy', 'verification') : asVerified(transaction, outcomes);
  }

  async #verifyAll(transactions: readonly Transaction[]): Promise<Result<readonly Verified<Transaction>[]>> {
    const checks = transactions.map(signatureChecks);
    const outcomes = await this.#check(checks.flat());
    if (outcomes === null) return refused('busy', 'verification');
    const verified: Verified<Transaction>[] = [];
    let used = 0;
    for (const [index, transaction] of transactions.entries()) {
      const count = checks[index]?.length ?? 0;
      const own = outcomes.slice(used, used + count);
      used += count;
      const verdict = asVerified(transaction, own);
      if (!verdict.ok) return refused('batchInvalid', verdict.refusal.code);
      verified.push(verdict.value);
    }
    return accepted(verified);
  }
}

/** The epoch whose voters signed it; null for a message that nobody signs. */
function epochOf(message: ConsensusMessage): Epoch | null {
  switch (message.kind) {
    case 'vote':
      return message.vote.epoch;
    case 'proposal':
      return message.proposal.block.header.epoch;
    case 'certificate':
      return message.certificate.epoch;
    case 'status':
    case 'certificatesWanted':
      return null;
    default:
      return unreachable(message);
  }
}
