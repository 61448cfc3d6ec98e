/** In front of noise: somebody whose key is not proven yet gets little of our attention, and strangers get no more. */
import type { ConnectionGater, MultiaddrConnection, PeerId, StreamMessageEvent } from '@libp2p/interface';
import { handshakeBytesMax } from './bounds.ts';
import { Violation } from './violation.ts';

/** Why somebody at the door was not let in, or a member was thrown out: counted by it. */
export interface DoorwayPorts {
  /** Whom we may dial. */
  readonly isWelcome: (peerId: PeerId) => boolean;
  /** Null: come in. */
  readonly refusalOf: (peerId: PeerId) => string | null;
  readonly onTurnedAway: (reason: string) => void;
}

/**
 * After noise the peer's key is proven, and no protocol handler has run: here strangers are closed. The dialer learns it
 * late: its dial succeeds first. Before that libp2p would answer any number of proposals of who says nothing else.
 */
export function doorway({ isWelcome, refusalOf, onTurnedAway }: DoorwayPorts): ConnectionGater {
  const unwatch = new WeakMap<MultiaddrConnection, () => void>();
  return {
    denyDialPeer: (peerId) => !isWelcome(peerId),
    denyInboundConnection: (connection) => {
      let bytes = 0;
      const onMessage = (event: StreamMessageEvent): void => {
        bytes += event.data.byteLength;
        if (bytes <= handshakeBytesMax) return;
        connection.removeEventListener('message', onMessage);
        onTurnedAway('handshakeTooLong');
        connection.abort(new Violation('handshakeTooLong'));
      };
      connection.addEventListener('message', onMessage);
      unwatch.set(connection, () => connection.removeEventListener('message', onMessage));
      return false;
    },
    denyInboundEncryptedConnection: (peerId, connection) => {
      unwatch.get(connection)?.();
      const refusal = refusalOf(peerId);
      if (refusal !== null) onTurnedAway(refusal);
      return refusal !== null;
    },
    denyOutboundEncryptedConnection: (peerId) => !isWelcome(peerId),
  };
}
