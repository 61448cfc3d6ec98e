/** Bounds of this room: what one peer may make us hold, and how patient we are. Sizes in bytes, times in ms. */
import type { AllowanceLimits } from './allowance.ts';

/** One `send()` of a stream; larger frames go in several, so that a vote waits for no more than this. */
export const pieceBytesMax = 65_536;
export const consensusQueueBytesMax = 4_194_304;
export const bulkQueueBytesMax = 4_194_304;
export const gossipQueueBytesMax = 16_777_216;
/** Bytes handed to a handler and not finished, above which the sender is held back. */
export const pendingBytesMax = 1_048_576;
/** Read in one go; in the smallest frames a few milliseconds' work. */
export const sliceBytesMax = 8_192;
/** What the bookkeeping of a pending frame costs, so that many tiny frames count too. */
export const pendingFrameOverheadBytes = 1_024;
/** yamux; must stay below libp2p's 4 MB read buffer, or pausing a fast stream resets it. */
export const streamWindowBytesMax = 1_048_576;

export const requestsOutstandingMax = 32;
export const requestsServedAtOnceMax = 8;
/** What a request costs besides the bytes of its answer: reading the ledger, packing, and our attention. */
export const requestOverheadBytes = 32_768;

// What a peer may cost, as `burst` at once and `perSecond` for ever. Honest members stay below a tenth of it. Past the first
// three it is held back, past the others it breaks the rules.
/** Bytes of frames and their overhead. A voter may sign ever new votes, and each costs a verification. */
export const consensusLimits: AllowanceLimits = { burst: 4_194_304, perSecond: 2_097_152 };
export const bulkLimits: AllowanceLimits = { burst: 67_108_864, perSecond: 134_217_728 };
/** Bytes of answers and their overhead. */
export const answerLimits: AllowanceLimits = { burst: 33_554_432, perSecond: 33_554_432 };
/** Frames of the multiplexer: a few microseconds each. */
export const muxFrameLimits: AllowanceLimits = { burst: 20_000, perSecond: 10_000 };
/** New streams, and pings of the multiplexer. */
export const muxOpeningLimits: AllowanceLimits = { burst: 256, perSecond: 32 };
/** Frames of gossip, whatever they hold, and their bytes. */
export const gossipFrameLimits: AllowanceLimits = { burst: 2_000, perSecond: 1_000 };
export const gossipByteLimits: AllowanceLimits = { burst: 67_108_864, perSecond: 33_554_432 };
/** Connections of one member; a redial comes 0.25 s after a connection is lost at the earliest, and few are lost at once. */
export const connectionLimits: AllowanceLimits = { burst: 40, perSecond: 2 };

export const finalizedBytesMax = 32_768;
/** Gossiped bytes of one peer under validation; more is ignored. */
export const validationBytesMax = 16_777_216;
/** Up to so many members everyone sends its own messages to everyone; above, gossipsub's mesh forwards. */
export const floodMembersMax = 20;
/**
 * All messages that an IWANT asks for come in one frame, and a frame above `gossipFrameBytesMax` kills the stream: so
 * larger IWANTs are not answered (60 batches of the target size fit), and the asker fetches the batches it needs.
 */
export const gossipFrameBytesMax = 4_194_304;
export const gossipIdsAskedMax = 60;

export const connectionsMax = 600;
export const connectionsPerMemberMax = 2;
/** Few handshakes at a time finish in time, where all at once on a busy machine would all time out. */
export const dialsAtOnceMax = 8;
export const inboundConnectionsPerSecondMax = 100;
/** Handshakes under way, and how long one may take: who holds all of them holds them for so long. */
export const handshakesMax = 100;
export const handshakeMsMax = 10_000;
/** Of a connection before its key is proven; an honest handshake has less than 1 KB, and the first streams come behind it. */
export const handshakeBytesMax = 16_384;
/** Open at once in one connection and direction; we use five or six. */
export const muxedStreamsMax = 64;

export interface Timing {
  readonly redialMsMin: number;
  readonly redialMsMax: number;
  readonly dialMsMax: number;
  /** How long the side that does not dial waits before it dials after all. */
  readonly patienceMs: number;
  /** How long a member stays out after a violation. */
  readonly barredMs: number;
  readonly tickMs: number;
  /** How long a young connection may take to become whole on a busy machine. */
  readonly settlingMs: number;
  /** Ticks in a row in which a connection lacks something before it is cut. */
  readonly unhealthyTicksMax: number;
  /** Ticks in a row in which a peer takes nothing of what waits for it before it is cut. */
  readonly stalledTicksMax: number;
}

export const defaultTiming: Timing = {
  redialMsMin: 250,
  redialMsMax: 5_000,
  dialMsMax: 8_000,
  patienceMs: 5_000,
  barredMs: 10_000,
  tickMs: 1_000,
  settlingMs: 8_000,
  unhealthyTicksMax: 3,
  stalledTicksMax: 10,
};
