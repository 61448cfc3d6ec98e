/** `ballast`: the file that is given up so that a node with a full disk can start. */
import { ballastBytesOf, dropBallast, freeBytesOf, keepBallast } from '../ballast.ts';
import { readConfig } from '../config.ts';
import { roomOf } from '../diskGuard.ts';
import { StorageFailure } from '../storage/failure.ts';
import { answered, failed, type CommandContext, type CommandOutcome } from './outcome.ts';

export type BallastOrder = 'show' | 'make' | 'free';

/** `show` says how the disk stands, `free` gives the ballast up, `make` takes its room again. */
export async function ballast(context: CommandContext, order: BallastOrder): Promise<CommandOutcome> {
  const { home, environment } = context;
  const loaded = readConfig(home, environment, {});
  if (!loaded.ok) return failed('configuration', loaded.refusal);
  const { disk } = loaded.value.config;
  if (order === 'free') dropBallast(home);
  try {
    if (order === 'make' && !(await keepBallast(home, disk, freeBytesOf))) {
      const message = `no room for a ballast of ${disk.ballastBytes} bytes above the soft mark`;
      return failed('failure', { message, hint: 'make room on the disk, or set disk.ballastBytes' });
    }
  } catch (error) {
    if (!(error instanceof StorageFailure)) throw error;
    return failed('failure', { message: error.message, hint: 'make room on the disk' });
  }
  const freeBytes = freeBytesOf(home);
  const room = roomOf(freeBytes, disk);
  const ballastBytes = ballastBytesOf(home);
  const lines = [
    `free     ${freeBytes} bytes (${room})`,
    `marks    soft ${disk.softBytes}, hard ${disk.hardBytes} bytes`,
    `ballast  ${ballastBytes} of ${disk.ballastBytes} bytes`,
  ];
  return answered(lines, { freeBytes, room, ballastBytes });
}
