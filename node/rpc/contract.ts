/**
 * The contract with applications: every method with the JSON of its parameters and of its result. Types only, so that a client carries
 * no schema; the schemas in methods/ are checked against these types by the compiler.
 */
import type { ActionBody, ActionKind } from '../../protocol/action.ts';
import type { Block, Header } from '../../protocol/block.ts';
import type { Certificate } from '../../protocol/certificate.ts';
import type { Delegation } from '../../protocol/delegation.ts';
import type { Json } from '../../protocol/json.ts';
import type { PrescriptionClass, ReservationMode } from '../../protocol/policy.ts';
import type { Practitioner } from '../../protocol/practitioner.ts';
import type { KeyStanding } from '../../protocol/practitionerKey.ts';
import type { Item } from '../../protocol/prescription.ts';
import type { Receipt } from '../../protocol/receipt.ts';
import type { RefusalCode } from '../../protocol/refusal.ts';
import type { Seal } from '../../protocol/seal.ts';
import type { Difference } from '../../protocol/reconciliation.ts';
import type { Round } from '../../protocol/round.ts';
import type { OpenPosition, Pair, Statement } from '../../protocol/settlement.ts';
import type { GovernanceMethods } from './governanceContract.ts';
import type { JsonOf } from './json.ts';
import type { ConsensusStatus, NodeStatus, PeerStatus, Readiness } from './ports.ts';
import type { QueryMethods } from './queryContract.ts';
import type { ClaimView, ParcelView, PrescriptionView } from './views.ts';

export type JsonObject = { readonly [key: string]: Json };

export interface List<Item> {
  readonly items: readonly Item[];
  /** Give it back to read on; null when there is no more. */
  readonly nextCursor: string | null;
  readonly asOfHeight: number;
}

export type WaitFor = 'accepted' | 'committed';

/** Every write takes these besides its own parameters. */
export interface WriteOptions {
  /** UUIDv7 as `0x` and 32 hex digits, made by the client: the same call again gives the same outcome. Generated when absent. */
  readonly id?: string;
  /** Names of keys in the node's keystore; the first is who acts, the others sign too (a controlled class needs two). */
  readonly practitioner?: string;
  readonly coSigners?: readonly string[];
  readonly notAfter?: string;
  readonly waitFor?: WaitFor;
  /** At most 60,000. */
  readonly timeoutMs?: number;
}

/** Where a transaction stands. Times are RFC 3339. `height`, `index`, `time` are set iff it has a receipt; `code` iff it was refused. */
export interface TransactionResult {
  readonly txId: string;
  readonly status: 'unknown' | 'pending' | 'committed' | 'refused' | 'expired';
  readonly height: number | null;
  readonly index: number | null;
  readonly time: string | null;
  readonly code: RefusalCode | null;
  /** What to try, if it was refused or has expired. */
  readonly hint: string | null;
  readonly notAfter: string | null;
}

export interface WriteResult extends TransactionResult {
  readonly id: string;
}

interface SubmitOptions {
  readonly waitFor?: WaitFor;
  readonly timeoutMs?: number;
}

export interface SignatureJson {
  readonly key: string;
  readonly sig: string;
}

export interface TransactionView extends TransactionResult {
  readonly id: string;
  readonly kind: ActionKind;
  readonly member: string;
  readonly body: JsonObject;
  readonly seals: readonly JsonOf<Seal>[];
  readonly signatures: readonly SignatureJson[];
  readonly transaction: string;
}

export interface BlockView {
  readonly digest: string;
  readonly header: JsonOf<Header>;
  readonly batchDigests: JsonOf<Block['batchDigests']>;
  readonly certificate: JsonOf<Certificate> | null;
  readonly receipts: readonly JsonOf<Receipt>[];
}

export interface BlockSummary {
  readonly height: number;
  readonly digest: string;
  readonly time: string;
  readonly view: number;
  readonly proposer: number;
  readonly receiptCount: number;
}

export interface EventView {
  /** Of this event; the next one has a higher one. */
  readonly cursor: string;
  readonly height: number;
  readonly index: number;
  readonly time: string;
  readonly txId: string;
  readonly kind: ActionKind;
  readonly member: string;
  readonly outcome: 'committed' | 'refused';
  readonly code: RefusalCode | null;
  readonly subjects: readonly string[];
}

interface EventFilterJson {
  readonly kinds?: readonly ActionKind[];
  /** An rxId, parcelId, claimId or practitioner's id. */
  readonly subject?: string;
}

export interface EventPageJson {
  readonly items: readonly EventView[];
  readonly nextCursor: string;
  /** Events before the first item are no longer on this node; the cursor goes on where it can. */
  readonly lagged: boolean;
  readonly asOfHeight: number;
}

/** An item ends with its prescription unless it has an end of its own. */
type ItemParams = Omit<JsonOf<Item>, 'validUntil'> & { readonly validUntil?: string | null };

export interface IssueParams extends WriteOptions {
  /** Made by this node when absent: give one to make the call repeatable over a restart of the node. `rxt1...`. */
  readonly token?: string;
  /** Whoever signs when absent; a delegate names the doctor in whose name they issue. */
  readonly prescriber?: string;
  readonly class: PrescriptionClass;
  /** The present when absent. */
  readonly authoredOn?: string;
  readonly validUntil: string;
  readonly items: readonly ItemParams[];
  /** When each fill may be had; from authoredOn to validUntil, one and one more per repeat, when absent. */
  readonly fills?: readonly { readonly start: string; readonly end: string }[];
  /** What the policy says for the class when absent. */
  readonly reviewRequired?: boolean;
  readonly replaces?: string | null;
  /** FHIR R4 resources, sealed. */
  readonly documents: readonly JsonObject[];
  /** Members that may read without a secret of the patient. */
  readonly recipients?: readonly string[];
}

/** The secrets are told once, for the patient's printed token; a later repetition of the call gives null and empty lists. */
export interface IssueResult extends WriteResult {
  readonly rxId: string;
  readonly token: string | null;
  readonly fillSecrets: readonly string[];
  readonly receiptCodes: readonly string[];
}

type Body<K extends ActionKind> = JsonOf<ActionBody<K>>;
export interface Method<Params, Result> {
  readonly params: Params;
  readonly result: Result;
}
/** No parameters. */
export type None = Readonly<Record<string, never>>;
export type WriteMethod<Params> = Method<Params & WriteOptions, WriteResult>;
/** An act of the body, signed with a key of the keystore, with the key of the patient's token, or with both. */
type OwnerMethod<K extends ActionKind> = WriteMethod<Body<K> & { readonly token?: string }>;

interface PeriodJson {
  readonly insurer: string;
  readonly pharmacy: string;
  readonly period: string;
}

interface StatementLineJson {
  readonly kind: 'accepted' | 'reversed';
  readonly claimId: string;
  readonly txId: string;
  /** Negative for what goes back. */
  readonly amount: number;
  readonly height: number;
}

export interface RpcMethods extends GovernanceMethods, QueryMethods {
  readonly 'rpc.discover': Method<None, JsonObject>;
  readonly node_info: Method<
    None,
    {
      readonly name: string;
      readonly version: string;
      readonly chainId: string;
      readonly chainName: string;
      readonly practitioners: readonly { readonly name: string; readonly publicKey: string }[];
    }
  >;
  readonly node_status: Method<None, JsonOf<NodeStatus>>;
  readonly node_health: Method<None, { readonly live: boolean; readonly ready: Readiness }>;
  readonly node_peers: Method<None, List<JsonOf<PeerStatus>>>;
  readonly consensus_state: Method<None, JsonOf<ConsensusStatus>>;
  readonly ledger_head: Method<
    None,
    { readonly height: number; readonly digest: string | null; readonly time: string | null }
  >;
  readonly ledger_header: Method<
    { readonly height: number },
    { readonly digest: string; readonly header: JsonOf<Header> }
  >;
  readonly ledger_block: Method<{ readonly height: number } | { readonly digest: string }, BlockView>;
  readonly ledger_blocks: Method<{ readonly cursor?: string; readonly limit?: number }, List<BlockSummary>>;
  readonly tx_submit: Method<
    SubmitOptions &
      (
        | { readonly transaction: string }
        | { readonly payload: string; readonly signatures: readonly SignatureJson[] }
      ),
    TransactionResult
  >;
  readonly tx_build: Method<
    {
      readonly kind: ActionKind;
      readonly body: JsonObject;
      readonly id?: string;
      readonly notAfter?: string;
      readonly seals?: readonly JsonOf<Seal>[];
    },
    {
      readonly txId: string;
      readonly id: string;
      readonly payload: string;
      readonly signingBytes: string;
      readonly notAfter: string;
      readonly summary: string;
    }
  >;
  readonly tx_sign: Method<
    { readonly practitioner: string; readonly payload: string },
    SignatureJson & { readonly txId: string; readonly summary: string }
  >;
  readonly tx_status: Method<SubmitOptions & { readonly txId: string }, TransactionResult>;
  readonly tx_get: Method<{ readonly txId: string }, TransactionView>;
  readonly tx_stamp: Method<{ readonly txId: string }, { readonly txId: string; readonly stamp: string }>;
  readonly rx_issue: Method<IssueParams, IssueResult>;
  readonly rx_review: WriteMethod<Body<'rx.review'>>;
  readonly rx_cancel: OwnerMethod<'rx.cancel'>;
  readonly rx_hold: OwnerMethod<'rx.hold'>;
  readonly rx_release: OwnerMethod<'rx.release'>;
  readonly rx_nominate: OwnerMethod<'rx.nominate'>;
  readonly rx_redirect: OwnerMethod<'rx.redirect'>;
  readonly substitution_request: WriteMethod<Body<'substitution.request'>>;
  readonly substitution_decide: WriteMethod<Body<'substitution.decide'>>;
  readonly renewal_request: OwnerMethod<'renewal.request'>;
  readonly renewal_decide: WriteMethod<Body<'renewal.decide'>>;
  readonly rx_get: Method<
    { readonly rxId: string },
    { readonly asOfHeight: number; readonly prescription: PrescriptionView }
  >;
  readonly rx_open: Method<
    { readonly rxId: string; readonly fillSecret?: string },
    { readonly documents: readonly { readonly docType: string; readonly resource: Json }[] }
  >;
  readonly rx_stamp: Method<{ readonly rxId: string }, { readonly rxId: string; readonly stamp: string }>;
  readonly fill_reserve: WriteMethod<
    { readonly until: string; readonly mode: ReservationMode } & (
      { readonly fillSecret: string } | { readonly rxId: string; readonly k: number }
    )
  >;
  readonly fill_extend: WriteMethod<Body<'fill.extend'>>;
  readonly fill_return: WriteMethod<Body<'fill.return'>>;
  readonly fill_dispense: WriteMethod<Body<'fill.dispense'>>;
  readonly fill_close: WriteMethod<Body<'fill.close'>>;
  readonly fill_withdraw: OwnerMethod<'fill.withdraw'>;
  readonly delivery_ship: WriteMethod<Body<'delivery.ship'>>;
  readonly delivery_scan: WriteMethod<Body<'delivery.scan'>>;
  readonly delivery_deliver: WriteMethod<Body<'delivery.deliver'>>;
  readonly delivery_fail: WriteMethod<Body<'delivery.fail'>>;
  readonly delivery_return: WriteMethod<Body<'delivery.return'>>;
  readonly delivery_report: OwnerMethod<'delivery.report'>;
  readonly delivery_receive: WriteMethod<
    | {
        readonly rxId: string;
        readonly k: number;
        readonly parcelId: string | null;
        readonly receiptCode: string;
      }
    | { readonly token: string; readonly k: number; readonly parcelId: string | null }
  >;
  readonly delivery_get: Method<
    { readonly parcelId: string },
    { readonly asOfHeight: number; readonly parcel: ParcelView }
  >;
  readonly claim_estimate: WriteMethod<Body<'claim.estimate'>>;
  readonly claim_adjudicate: WriteMethod<Body<'claim.adjudicate'>>;
  readonly claim_pay: WriteMethod<Body<'claim.pay'>>;
  readonly claim_submit: WriteMethod<Body<'claim.submit'>>;
  readonly claim_dispute: WriteMethod<Body<'claim.dispute'>>;
  readonly claim_accept: WriteMethod<Body<'claim.accept'>>;
  readonly claim_reverse: WriteMethod<Body<'claim.reverse'>>;
  readonly claim_recoup: WriteMethod<Body<'claim.recoup'>>;
  readonly claim_get: Method<
    { readonly claimId: string },
    { readonly asOfHeight: number; readonly claim: ClaimView }
  >;
  readonly settle_position: Method<
    { readonly insurer: string; readonly pharmacy: string; readonly height?: number },
    { readonly asOfHeight: number; readonly position: JsonOf<OpenPosition & Pair> }
  >;
  readonly settle_propose: WriteMethod<Body<'settle.propose'>>;
  readonly settle_dispute: WriteMethod<Body<'settle.dispute'>>;
  readonly settle_confirm: WriteMethod<Body<'settle.confirm'>>;
  readonly settle_paid: WriteMethod<Body<'settle.paid'>>;
  readonly settle_net: WriteMethod<Body<'settle.net'>>;
  readonly settle_agree: WriteMethod<Body<'settle.agree'>>;
  readonly settle_transfer: WriteMethod<Body<'settle.transfer'>>;
  readonly settle_statement: Method<
    PeriodJson & { readonly cursor?: string; readonly limit?: number; readonly format?: 'json' | 'csv' },
    {
      readonly asOfHeight: number;
      readonly statement: JsonOf<Statement>;
      readonly stateStamp: string | null;
      readonly items: readonly StatementLineJson[];
      readonly csv: string | null;
      readonly nextCursor: string | null;
    }
  >;
  readonly settle_reconcile: Method<
    PeriodJson & { readonly claims: readonly { readonly claimId: string; readonly covered: number }[] },
    {
      readonly asOfHeight: number;
      readonly statement: JsonOf<Statement>;
      readonly isEqual: boolean;
      readonly difference: number;
      readonly items: readonly JsonOf<Difference>[];
    }
  >;
  readonly settle_round: Method<
    { readonly round: string },
    { readonly asOfHeight: number; readonly round: JsonOf<Round> }
  >;
  readonly practitioner_register: WriteMethod<Body<'practitioner.register'>>;
  readonly practitioner_scope: WriteMethod<Body<'practitioner.scope'>>;
  readonly practitioner_suspend: WriteMethod<Body<'practitioner.suspend'>>;
  readonly practitioner_reinstate: WriteMethod<Body<'practitioner.reinstate'>>;
  readonly key_add: WriteMethod<Body<'key.add'>>;
  readonly key_rotate: WriteMethod<Body<'key.rotate'>>;
  readonly key_revoke: WriteMethod<Body<'key.revoke'>>;
  readonly key_get: Method<
    { readonly key: string },
    { readonly asOfHeight: number; readonly key: JsonOf<KeyStanding> }
  >;
  readonly delegation_grant: WriteMethod<Body<'delegation.grant'>>;
  readonly delegation_revoke: WriteMethod<Body<'delegation.revoke'>>;
  readonly delegation_get: Method<
    { readonly delegatorId: string; readonly delegateId: string },
    { readonly asOfHeight: number; readonly delegation: JsonOf<Delegation> }
  >;
  readonly practitioner_get: Method<
    { readonly practitionerId: string } | { readonly key: string },
    { readonly asOfHeight: number; readonly practitioner: JsonOf<Practitioner> }
  >;
  readonly event_poll: Method<
    {
      readonly cursor?: string;
      readonly filter?: EventFilterJson;
      readonly waitMs?: number;
      readonly limit?: number;
    },
    EventPageJson
  >;
}

export type MethodName = keyof RpcMethods;
export type MethodParams<M extends MethodName> = RpcMethods[M]['params'];
export type MethodResult<M extends MethodName> = RpcMethods[M]['result'];
