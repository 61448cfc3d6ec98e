/** The contract with applications: what rpc.discover promises, and codes that never change. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorEntries } from '../../node/rpc/errors.ts';
import { methods } from '../../node/rpc/methods.ts';
import { openRpcDocument } from '../../node/rpc/openrpc.ts';
import { compareText } from '../../protocol/bytes.ts';
import { refusalCodes } from '../../protocol/refusal.ts';

// Compiled to dist/test/contract/, three folders below the top.
const top = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const manual = readFileSync(join(top, 'node', 'rpc', 'README.md'), 'utf8');

interface MethodDocument {
  readonly name: string;
  readonly summary: string;
  readonly paramStructure: string;
  readonly params: readonly { readonly name: string; readonly required: boolean; readonly schema: object }[];
  readonly result: { readonly schema: object };
}

const document = openRpcDocument([...methods.values()], '1.2.3');
const documents = document['methods'] as unknown as readonly MethodDocument[];

/** Methods that applications rely on. One may be added; none goes. */
const promised: readonly string[] = [
  'rpc.discover node_info node_status node_health node_peers consensus_state',
  'ledger_head ledger_header ledger_block ledger_blocks',
  'tx_submit tx_build tx_sign tx_status tx_get tx_stamp',
  'rx_issue rx_review rx_cancel rx_get rx_history rx_open rx_stamp rx_hold rx_release rx_nominate rx_redirect',
  'substitution_request substitution_decide renewal_request renewal_decide',
  'fill_reserve fill_extend fill_return fill_dispense fill_close fill_withdraw',
  'delivery_ship delivery_scan delivery_deliver delivery_receive delivery_get',
  'delivery_fail delivery_return delivery_report',
  'claim_estimate claim_adjudicate claim_pay claim_submit claim_dispute claim_accept claim_reverse claim_recoup claim_get',
  'settle_position settle_propose settle_dispute settle_confirm settle_paid settle_statement settle_reconcile',
  'settle_net settle_agree settle_transfer settle_round',
  'member_list member_get member_invite member_join member_ready member_propose member_rotate member_vote',
  'motion_list motion_get evidence_list policy_get policy_propose policy_simulate policy_vote',
  'practitioner_register practitioner_suspend practitioner_get',
  'practitioner_scope practitioner_reinstate key_add key_rotate key_revoke key_get',
  'delegation_grant delegation_revoke delegation_get',
  'event_poll',
  'rx_list claim_list delivery_list settle_list work_list recall_find',
].flatMap((line) => line.split(' '));

describe('the OpenRPC document', () => {
  it('lists every promised method once, and no other', () => {
    assert.deepEqual(documents.map(({ name }) => name).toSorted(compareText), promised.toSorted(compareText));
  });

  it('says of every method what it does, in a sentence, and takes parameters by name', () => {
    const isDocumented = ({ summary, paramStructure }: MethodDocument): boolean =>
      /^[A-Z].*\.$/.test(summary) && paramStructure === 'by-name';
    assert.deepEqual(
      documents.filter((method) => !isDocumented(method)),
      [],
    );
  });

  it('gives each parameter a schema', () => {
    const isEmpty = ({ schema }: { readonly schema: object }): boolean => Object.keys(schema).length === 0;
    const bare = documents.flatMap(({ name, params }) =>
      params.filter(isEmpty).map((param) => `${name} ${param.name}`),
    );
    assert.deepEqual(bare, []);
  });

  it('describes a transaction as it is validated', () => {
    const submit = documents.find(({ name }) => name === 'fill_return');
    assert.deepEqual(
      submit?.params.slice(0, 2).map(({ name, required, schema }) => ({ name, required, schema })),
      [
        { name: 'rxId', required: true, schema: { type: 'string', pattern: '^0x[0-9a-f]{32}$' } },
        { name: 'k', required: true, schema: { type: 'integer', minimum: 0, maximum: 23 } },
      ],
    );
  });

  it('lists every error with its code, name, retry and hint', () => {
    const components = document['components'] as unknown as { readonly errors: readonly unknown[] };
    assert.deepEqual(
      components.errors,
      Object.entries(errorEntries).map(([name, { code, retry, hint }]) => ({
        code,
        message: name,
        data: { name, retry, hint },
      })),
    );
  });
});

describe('the errors', () => {
  it('have one code each', () => {
    const codes = Object.values(errorEntries).map(({ code }) => code);
    assert.equal(new Set(codes).size, codes.length);
  });

  it('have a hint each that is one sentence', () => {
    const odd = Object.entries(errorEntries).filter(([, { hint }]) => !/^[A-Za-z].{10,150}[.}]$/.test(hint));
    assert.deepEqual(odd, []);
  });

  it('cover every refusal of the protocol, under its own name', () => {
    assert.deepEqual(
      refusalCodes.filter((code) => !(code in errorEntries)),
      [],
    );
  });

  it('keep the codes that were given out', () => {
    const codeOf = (name: keyof typeof errorEntries): number => errorEntries[name].code;
    assert.deepEqual(
      (
        [
          'parseError',
          'invalidParams',
          'overloaded',
          'malformed',
          'fillReserved',
          'documentUnavailable',
        ] as const
      ).map(codeOf),
      [-32700, -32602, -32005, 1000, 1031, 1072],
    );
  });
});

describe('the manual', () => {
  it('names every method', () => {
    assert.deepEqual(
      promised.filter((name) => !manual.includes(`\`${name}\``)),
      [],
    );
  });

  it('lists every error of the server, and every refusal, with its code and hint', () => {
    const missing = Object.entries(errorEntries).filter(
      ([name, { code, retry, hint }]) => !manual.includes(`| ${code} | \`${name}\` | ${retry} | ${hint} |`),
    );
    assert.deepEqual(
      missing.map(([name]) => name),
      [],
    );
  });
});
