/** The thread of one automatic backup. It has a connection of its own, so that the thread of the database goes on meanwhile. */
import { parentPort, workerData } from 'node:worker_threads';
import { encodeError } from '../thread/rpc.ts';
import { type BackupRequest, backUpInSteps, type FromBackup } from './steps.ts';

const post = (message: FromBackup): void => parentPort?.postMessage(message);

backUpInSteps(workerData as BackupRequest).then(
  (made) => post({ made }),
  (error: unknown) => post({ error: encodeError(error) }),
);
