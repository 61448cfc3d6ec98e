/** Entry of a verifying thread: a packed chunk comes in, the same memory goes back with the verdicts. */
import { parentPort } from 'node:worker_threads';
import { present } from '../protocol/invariant.ts';
import { verifyChunk } from './verifyChunk.ts';

const port = present(parentPort, 'the verify worker runs as a thread');

port.on('message', (buffer: ArrayBuffer) => {
  verifyChunk(buffer);
  port.postMessage(buffer, [buffer]);
});
