/**
 * An exclusive lock on a directory (W8): a small LevelDB in it, whose file lock the system lets go when its process ends, however it
 * ends, so there is nothing to clean up and no process number to be fooled by.
 */
import { Level } from 'level';
import { StorageFailure, storageFailure } from './failure.ts';

export interface DirectoryLock {
  readonly release: () => Promise<void>;
}

/** Takes the lock that lives in `directory`. Failures: `locked`, and those of the disk. */
export async function takeLock(directory: string): Promise<DirectoryLock> {
  const level = new Level(directory);
  try {
    await level.open();
  } catch (error) {
    const failure = storageFailure(error, 'lock the directory');
    if (failure.code === 'locked')
      throw new StorageFailure('locked', 'another process runs on these files', error);
    throw failure;
  }
  return { release: () => level.close() };
}
