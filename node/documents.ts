/**
 * Sealed documents on this node: sealing for the recipients, handing copies to the holders, fetching what this member may read,
 * and releasing to others only what the ledger lets them read (I20: a grant precedes every release).
 */
import type { Digest, Id, MemberName, PublicKey } from '../protocol/brand.ts';
import { equalBytes } from '../protocol/bytes.ts';
import type { Json } from '../protocol/json.ts';
import { accepted, refused, type Result } from '../protocol/result.ts';
import {
  blobHash,
  decodeSealedDocument,
  encodeSealedDocument,
  matchesSeal,
  type Seal,
  type SealedDocument,
} from '../protocol/seal.ts';
import type { SyncAnswer } from '../protocol/sync.ts';
import { fillsMax } from '../protocol/limits.ts';
import type { FillSecret, PatientToken } from '../protocol/token.ts';
import type { Transaction } from '../protocol/transaction.ts';
import type { Clock } from './clock.ts';
import type { SealingKeyPair } from './ed25519.ts';
import type { Fetcher } from './fetcher.ts';
import { fillKeys, patientKeys } from './patient.ts';
import type { Log } from './ports.ts';
import { openDocument, sealDocument } from './sealer.ts';
import type { SealedStore } from './storage/sealed.ts';

/** Of documents that one member hands us to hold, per hour: a flood fills its own quota and not our disk. */
const heldBytesPerHourMax = 256 * 1_048_576;
const hourMs = 3_600_000;

export interface DocumentsPorts {
  readonly chainId: Digest;
  readonly own: MemberName;
  readonly keyPair: SealingKeyPair;
  readonly store: Pick<SealedStore, 'get' | 'put' | 'getPrivate' | 'putPrivate'>;
  readonly clock: Clock;
  readonly fetcher: Fetcher;
  readonly log: Log;
  readonly sealingKeyOf: (member: MemberName) => PublicKey | null;
  /** Who keeps copies besides the recipients: the voters. */
  readonly holders: () => readonly MemberName[];
  readonly connected: () => readonly MemberName[];
  /** The transaction that issued a prescription, or null. */
  readonly issueOf: (rxId: Id) => Promise<Transaction | null>;
  /** The ledger's word: the member issued the prescription, holds a fill of it, or has supplied one. */
  readonly mayRead: (member: MemberName, rxId: Id) => boolean;
}

export interface SealDocuments {
  readonly documents: readonly { readonly [key: string]: Json }[];
  readonly recipients: readonly MemberName[];
  readonly token: PatientToken;
  readonly fillCount: number;
}

export interface OpenedDocument {
  readonly docType: string;
  readonly resource: Json;
}

export class Documents {
  readonly #ports: DocumentsPorts;
  readonly #held = new Map<MemberName, { readonly hour: number; readonly bytes: number }>();

  constructor(ports: DocumentsPorts) {
    this.#ports = ports;
  }

  /** Seals to ourselves, the recipients and each fill's secret; keeps the documents and hands them to the holders. */
  async seal(order: SealDocuments): Promise<Result<readonly Seal[]>> {
    const { chainId, own, sealingKeyOf } = this.#ports;
    const members = [...new Set([own, ...order.recipients])];
    const recipients: { member: MemberName; sealingKey: PublicKey }[] = [];
    for (const member of members) {
      const sealingKey = sealingKeyOf(member);
      if (sealingKey === null) return refused('memberUnknown', 'recipients');
      recipients.push({ member, sealingKey });
    }
    const { tokenKeys } = patientKeys(order.token, order.fillCount);
    const seals: Seal[] = [];
    for (const json of order.documents) {
      const docType = typeof json['resourceType'] === 'string' ? json['resourceType'] : 'Document';
      const sealed = await sealDocument({ chainId, docType, json, recipients, tokenKeys });
      if (!sealed.ok) return sealed;
      await this.#keepAndShare(order.token.rxId, sealed.value.document, members);
      seals.push(sealed.value.seal);
    }
    return accepted(seals);
  }

  /** Refusals: `prescriptionUnknown`, `notPermitted`, `documentUnavailable`, `sealBroken`, `notARecipient`. */
  async open(rxId: Id, fillSecret: FillSecret | null): Promise<Result<readonly OpenedDocument[]>> {
    const issue = await this.#ports.issueOf(rxId);
    if (issue === null) return refused('prescriptionUnknown');
    const opened: OpenedDocument[] = [];
    for (const seal of issue.seals) {
      const document = await this.#find(rxId, seal);
      if (!document.ok) return document;
      const json = await this.#openOne(rxId, { document: document.value, seal, fillSecret });
      if (!json.ok) return json;
      opened.push({ docType: seal.docType, resource: json.value });
    }
    return accepted(opened);
  }

  /** The secret of a fill that this member reserved, kept so that the patient need not show it again. */
  async keepFillSecret(fill: FillSecret): Promise<void> {
    await this.#ports.store.putPrivate(secretKey(fill.rxId, fill.k), fill.secret);
  }

  /** Another member asks for a document of a prescription. */
  async serve(from: MemberName, rxId: Id, hash: Digest): Promise<SyncAnswer> {
    const issue = await this.#ports.issueOf(rxId);
    if (issue === null) return { kind: 'refused', code: 'prescriptionUnknown' };
    if (!issue.seals.some((seal) => seal.blobHash === hash)) return { kind: 'refused', code: 'notPermitted' };
    const document = this.#stored(hash);
    if (document === null) return { kind: 'refused', code: 'documentUnavailable' };
    if (!this.#mayRead(from, rxId, { issuer: issue.member, document })) {
      return { kind: 'refused', code: 'notPermitted' };
    }
    this.#ports.log.info({ peer: from, rxId }, 'sealed document released');
    return { kind: 'sealed', document: encodeSealedDocument(document) };
  }

  /** Another member hands us a document to hold. What we hold already stays: other wraps would take it from its readers. */
  async accept(from: MemberName, rxId: Id, bytes: Uint8Array): Promise<SyncAnswer> {
    const document = decodeSealedDocument(bytes);
    if (!document.ok) return { kind: 'refused', code: document.refusal.code };
    if (!this.#isWithinQuota(from, bytes.length)) return { kind: 'refused', code: 'busy' };
    const hash = blobHash(document.value.blob);
    const held = this.#ports.store.get(hash);
    if (held !== null && !equalBytes(held, bytes)) return { kind: 'refused', code: 'notPermitted' };
    await this.#ports.store.put({ rxId, blobHash: hash, bytes });
    this.#ports.log.debug({ peer: from }, 'sealed document taken to hold');
    return { kind: 'stored' };
  }

  #isWithinQuota(member: MemberName, size: number): boolean {
    const hour = Math.floor(this.#ports.clock.monotonicMs() / hourMs);
    const known = this.#held.get(member);
    const bytes = (known?.hour === hour ? known.bytes : 0) + size;
    if (bytes > heldBytesPerHourMax) return false;
    this.#held.set(member, { hour, bytes });
    return true;
  }

  #stored(hash: Digest): SealedDocument | null {
    const bytes = this.#ports.store.get(hash);
    if (bytes === null) return null;
    const document = decodeSealedDocument(bytes);
    return document.ok ? document.value : null;
  }

  /** Who may have it: its issuer, the members that it is wrapped to, and whoever reserved or supplied a fill. */
  #mayRead(
    member: MemberName,
    rxId: Id,
    context: { readonly issuer: MemberName; readonly document: SealedDocument },
  ): boolean {
    if (member === context.issuer) return true;
    if (context.document.wraps.some((wrap) => wrap.member === member)) return true;
    return this.#ports.mayRead(member, rxId);
  }

  async #keepAndShare(rxId: Id, document: SealedDocument, recipients: readonly MemberName[]): Promise<void> {
    const { store, holders, own, connected, fetcher, log } = this.#ports;
    const bytes = encodeSealedDocument(document);
    await store.put({ rxId, blobHash: blobHash(document.blob), bytes });
    const others = [...new Set([...recipients, ...holders()])].filter((name) => name !== own);
    const reachable = others.filter((name) => connected().includes(name));
    const answers = await Promise.all(
      reachable.map(async (name) => fetcher.ask(name, { kind: 'sealedPut', rxId, document: bytes })),
    );
    const copyCount = answers.filter((answer) => answer?.kind === 'stored').length;
    if (copyCount < others.length) {
      log.warn({ copyCount, wanted: others.length }, 'a sealed document has fewer copies than it should');
    }
  }

  /** Ours, or a holder's that matches the seal on the chain. */
  async #find(rxId: Id, seal: Seal): Promise<Result<SealedDocument>> {
    const stored = this.#stored(seal.blobHash);
    if (stored !== null && matchesSeal(stored, seal)) return accepted(stored);
    const { connected, fetcher, holders, store } = this.#ports;
    let isRefused = false;
    for (const name of new Set([
      ...holders().filter((holder) => connected().includes(holder)),
      ...connected(),
    ])) {
      const answer = await fetcher.askWhole(name, { kind: 'sealed', rxId, blobHash: seal.blobHash });
      if (answer?.kind === 'refused' && answer.code === 'notPermitted') isRefused = true;
      if (answer?.kind !== 'sealed') continue;
      const document = decodeSealedDocument(answer.document);
      if (!document.ok || !matchesSeal(document.value, seal)) continue;
      await store.put({ rxId, blobHash: seal.blobHash, bytes: answer.document });
      return accepted(document.value);
    }
    return refused(isRefused ? 'notPermitted' : 'documentUnavailable');
  }

  async #openOne(
    rxId: Id,
    order: {
      readonly document: SealedDocument;
      readonly seal: Seal;
      readonly fillSecret: FillSecret | null;
    },
  ): Promise<Result<Json>> {
    const { chainId, own, keyPair, mayRead } = this.#ports;
    const { document, seal } = order;
    const isRecipient = document.wraps.some((wrap) => wrap.recipientKey === keyPair.publicKey);
    // A holder has the bytes; whether it may open them is the ledger's word, not its own.
    if (!isRecipient && !mayRead(own, rxId)) return refused('notPermitted');
    const keys = isRecipient ? [keyPair] : this.#fillKeyPairs(rxId, order.fillSecret);
    for (const pair of keys) {
      const opened = await openDocument({ chainId, document, seal, keyPair: pair });
      if (opened.ok) return accepted(opened.value.json as Json);
      if (opened.refusal.code !== 'notARecipient') return opened;
    }
    return refused('notARecipient');
  }

  #fillKeyPairs(rxId: Id, given: FillSecret | null): readonly SealingKeyPair[] {
    const fills = given === null ? [] : [given];
    for (let k = 0; k < fillsMax; k += 1) {
      const secret = this.#ports.store.getPrivate(secretKey(rxId, k));
      if (secret !== null) fills.push({ rxId, k, secret });
    }
    return fills.map((fill) => fillKeys(fill).unwrap);
  }
}

function secretKey(rxId: Id, k: number): string {
  return `fill-secret/${rxId}/${k}`;
}
