/** One busy core: verifies good signatures for a while and tells how many. */
import { workerData } from 'node:worker_threads';
import { ed25519, signerFromSeed } from '../../node/ed25519.ts';

const { milliseconds, result } = workerData as {
  readonly milliseconds: number;
  /** Seconds for one verification go here. */
  readonly result: Float64Array;
};
const signer = signerFromSeed(new Uint8Array(32).fill(7));
const message = new Uint8Array(32).fill(9);
const signature = signer.sign(message);
const start = performance.now();
let count = 0;
while (performance.now() - start < milliseconds) {
  if (!ed25519.verify(message, signature, signer.publicKey)) throw new Error('a good signature was refused');
  count += 1;
}
result[0] = (performance.now() - start) / 1_000 / count;
