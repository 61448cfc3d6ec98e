/** Refusals of sealed documents, by nodes that seal and open them in earnest. */
import { Documents } from '../../../../node/documents.ts';
import type { IssueResult } from '../../../../node/rpc/contract.ts';
import type { Digest, MemberName } from '../../../../protocol/brand.ts';
import { mayRead } from '../../../../protocol/fillStatus.ts';
import { readMember } from '../../../../protocol/membership.ts';
import { readPrescription } from '../../../../protocol/prescription.ts';
import { decodeSealedDocument, encodeSealedDocument } from '../../../../protocol/seal.ts';
import { valueOf } from '../../../support/chain.ts';
import { aSealingKeyPair } from '../../../support/keys.ts';
import { aFetcher, aLog, aManualClock } from '../../../support/nodeParts.ts';
import { callerOf, type Caller } from '../caller.ts';
import { memoryChain, memoryPorts, type MemoryChain } from '../memoryNode.ts';
import { day, hour } from '../../../support/walk/step.ts';
import { time } from '../noonActs.ts';
import type { RefusalCase } from './refusalCase.ts';

/** The documents that one or several nodes hold, by the hash of their ciphertext. */
type Shelf = Map<Digest, Uint8Array>;

/** The node of a member that keeps its documents on this shelf, and reaches nobody else's. */
function nodeOf(chain: MemoryChain, member: string, shelf: Shelf): Caller {
  const { ledger } = memoryPorts(chain, member);
  const documents = new Documents({
    chainId: ledger.chainId,
    own: member as MemberName,
    keyPair: aSealingKeyPair(member),
    store: {
      get: (hash) => shelf.get(hash) ?? null,
      put: async ({ blobHash, bytes }) => void shelf.set(blobHash, bytes),
      getPrivate: () => null,
      putPrivate: async () => {},
    },
    clock: aManualClock(),
    fetcher: aFetcher({}).fetcher,
    log: aLog(),
    sealingKeyOf: (name) => readMember(chain.state, name)?.sealingKey ?? null,
    holders: () => [],
    connected: () => [],
    issueOf: async (rxId) => {
      const [place] = await ledger.history(rxId, { after: null, limit: 1 });
      const receipt = place === undefined ? null : ledger.receiptAt(place);
      return receipt === null ? null : ledger.transactionOf(receipt.txId);
    },
    mayRead: (name, rxId) => {
      const prescription = readPrescription(chain.state, rxId);
      return prescription !== null && mayRead(prescription, name, chain.timeMs);
    },
  });
  return callerOf(
    memoryPorts(chain, member, {
      documents: {
        seal: async (order) => documents.seal(order),
        open: async (rxId, fillSecret) => documents.open(rxId, fillSecret),
      },
    }),
  );
}

async function issueAt(hospital: Caller): Promise<IssueResult> {
  return hospital.call('rx_issue', {
    practitioner: 'dr-zhang',
    class: 'ordinary',
    validUntil: time(2 * day),
    items: [{ itemId: 0, units: 30, repeats: 0, intervalDays: 0, substitutionAllowed: false }],
    documents: [{ resourceType: 'MedicationRequest' }],
  });
}

async function openAt(node: Caller, { rxId }: IssueResult): Promise<string> {
  return (await node.refusal('rx_open', { rxId })).data.name;
}

/** Each wrapped key with its bits turned; what the ledger knows of the document is untouched. */
function broken(bytes: Uint8Array): Uint8Array {
  const document = valueOf(decodeSealedDocument(bytes));
  const wraps = document.wraps.map((wrap) => ({ ...wrap, wrapped: wrap.wrapped.map((byte) => byte ^ 1) }));
  return encodeSealedDocument({ ...document, wraps });
}

const refused = 'rx_open';
const by = 'node';

export const sealedCases: readonly RefusalCase[] = [
  {
    code: 'documentUnavailable',
    refused,
    when: 'nobody who is in reach holds the document',
    by,
    reach: async () => {
      const chain = memoryChain();
      const issued = await issueAt(nodeOf(chain, 'hospital', new Map()));
      return openAt(nodeOf(chain, 'hospital', new Map()), issued);
    },
  },
  {
    code: 'notARecipient',
    refused,
    when: 'the pharmacy holds the fill and was not shown its secret',
    by,
    reach: async () => {
      const [chain, shelf] = [memoryChain(), new Map()];
      const issued = await issueAt(nodeOf(chain, 'hospital', shelf));
      const pharmacy = nodeOf(chain, 'pharmacy', shelf);
      const fillSecret = issued.fillSecrets[0] ?? '';
      const choice = { practitioner: 'ph-wang', until: time(12 * hour), mode: 'counter' } as const;
      await pharmacy.call('fill_reserve', { ...choice, fillSecret });
      return openAt(pharmacy, issued);
    },
  },
  {
    code: 'sealBroken',
    refused,
    when: 'the holder broke the key that it keeps with the document',
    by,
    reach: async () => {
      const [chain, shelf]: [MemoryChain, Shelf] = [memoryChain(), new Map()];
      const hospital = nodeOf(chain, 'hospital', shelf);
      const issued = await issueAt(hospital);
      for (const [hash, bytes] of shelf) shelf.set(hash, broken(bytes));
      return openAt(hospital, issued);
    },
  },
];
