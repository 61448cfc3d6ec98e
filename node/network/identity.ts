/** Network keys and the libp2p identities made of them. */
import { generateKeyPairFromSeed, publicKeyFromRaw } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey, PeerId } from '@libp2p/interface';
import { peerIdFromPublicKey } from '@libp2p/peer-id';
import type { PublicKey } from '../../protocol/brand.ts';
import { bytesToHex, hexToBytes } from '../../protocol/bytes.ts';

/** `seed` is 32 bytes (RFC 8032 §5.1.5). */
export async function privateKeyFromSeed(seed: Uint8Array): Promise<Ed25519PrivateKey> {
  return generateKeyPairFromSeed('Ed25519', seed);
}

/** What stands as `networkKey` in the genesis. */
export async function networkKeyFromSeed(seed: Uint8Array): Promise<PublicKey> {
  const privateKey = await privateKeyFromSeed(seed);
  return bytesToHex(privateKey.publicKey.raw) as PublicKey;
}

export function peerIdOf(networkKey: PublicKey): PeerId {
  return peerIdFromPublicKey(publicKeyFromRaw(hexToBytes(networkKey)));
}
