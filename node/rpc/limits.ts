/** Bounds of the JSON-RPC server. Sizes are in bytes, times in ms. */

export const bodyBytesMax = 262_144;
export const headerBytesMax = 8_192;
/** Objects and arrays around a value. */
export const jsonDepthMax = 32;
/** Every element of a batch counts as a request. */
export const batchLengthMax = 50;
/** Requests that are being answered at one moment, elements of batches counted one by one. */
export const callsInFlightMax = 4_096;
export const connectionsMax = 256;
/** Calls and subscriptions that wait for events at one moment. */
export const eventWaitersMax = 2_048;
export const eventWaitMsMax = 30_000;
export const eventItemsMax = 200;
/** Blocks and receipts that one poll looks through; the cursor tells where it stopped. The last block is read to its end. */
export const eventBlocksScannedMax = 500;
export const eventReceiptsScannedMax = 4_000;
/** Transactions decoded in one turn of the event loop, some 30 µs each. */
export const eventDecodesPerTurnMax = 100;
export const webSocketsMax = 64;
export const subscriptionsPerSocketMax = 16;
export const receiptWaitMsMax = 60_000;
export const receiptWaitMsDefault = 10_000;
/** How long a transaction that this node builds stays valid, unless the caller says otherwise. */
export const notAfterAheadMsDefault = 3_600_000;
export const receiveTimeoutMs = 10_000;
/** How long a quiet connection stays open. */
export const keepAliveMs = 72_000;
export const pageItemsMax = 100;
/** Rows of one history read at once; that of a prescription is bounded by its fills, events and claims, far below this. */
export const historyRowsMax = 1_000;
/** Stamps of some kilobytes each, a few milliseconds of work if their blocks are full. */
export const historyStampsMax = 20;
/** Records that one page of a list looks at; the cursor tells where it stopped, whether or not there was anything to show. */
export const listRowsMax = 2_000;
/** Records decoded in one turn of the event loop, some 20 µs each. */
export const listRowsPerTurn = 100;
/** Calls that look through records, one at a time, or wait for it: more than one batch of calls. */
export const looksMax = 128;
/** Packs that one recall asks for. */
export const recalledPacksMax = 500;
/** Written prescriptions and the like that this node remembers by the caller's id, so that a repeated call is answered, not repeated. */
export const rememberedWritesMax = 10_000;
export const rememberedMsMax = 600_000;
/** How long a ticket is good, unless the caller says otherwise. */
export const ticketMsDefault: number = 7 * 86_400_000;
/** How far back a policy is tried, and on how many transactions; some 50 µs each, in one turn of the event loop. */
export const simulatedBlocksDefault = 1_000;
export const simulatedBlocksMax = 10_000;
export const simulatedTransactionsMax = 5_000;
