/** A PostgreSQL of the tests' own. It refuses to run as root, so it runs as the user of Debian's package. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { command, type DatabaseServer, type ServerKind, startServer } from './server.ts';

/** Debian keeps several versions beside each other; the newest is taken. */
const program = (name: string): string => globSync(`/usr/lib/postgresql/*/bin/${name}`).sort().at(-1) ?? name;

const asPostgres = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', '--'];

const POSTGRES: ServerKind = {
  name: 'postgres',
  socket: (folder) => folder,
  async make(folder) {
    await command(['chown', 'postgres', folder]);
    const data = join(folder, 'data');
    await command([
      ...asPostgres,
      program('initdb'),
      '-D',
      data,
      '-E',
      'UTF8',
      '--locale=C.UTF-8',
      '--auth-local=trust',
      '--auth-host=scram-sha-256',
      '--no-sync',
    ]);
  },
  command: (folder, port) => [
    ...asPostgres,
    program('postgres'),
    '-D',
    join(folder, 'data'),
    '-k',
    folder,
    '-p',
    String(port),
    ...['listen_addresses=127.0.0.1', 'fsync=off', 'shared_buffers=16MB', 'log_destination=stderr'].flatMap((one) => [
      '-c',
      one,
    ]),
  ],
  client: (folder, port, database = 'postgres') => [
    ...[program('psql'), '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', folder, '-p', String(port)],
    ...['-U', 'postgres', '-d', database],
  ],
};

export const startPostgres = (): Promise<DatabaseServer> => startServer(POSTGRES);
