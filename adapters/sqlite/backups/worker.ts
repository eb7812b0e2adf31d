/** The process of one automatic backup: it has one request, and ends with the program that sent it. */
import { encodeError } from '../thread/rpc.ts';
import type { BackupRequest, FromBackup } from './automatic.ts';
import { roundOf } from './round.ts';

// systemd and a terminal tell all processes of a program to end: this one is ended by the program.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
process.once('disconnect', () => process.exit());

const answer = (message: FromBackup): void => void process.send?.(message);

process.once('message', (request: BackupRequest) => {
  roundOf(request).then(
    ({ error, ...rest }) => answer({ ...rest, error: error === null ? null : encodeError(error) }),
    (error: unknown) => answer({ made: null, last: null, error: encodeError(error) }),
  );
});
