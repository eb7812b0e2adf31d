/** A MariaDB of the tests' own. */
import { join } from 'node:path';
import { command, type DatabaseServer, type ServerKind, startServer } from './server.ts';

const socket = (folder: string): string => join(folder, 'mysqld.sock');

const MARIADB: ServerKind = {
  name: 'mariadb',
  socket,
  async make(folder) {
    await command(['chown', 'mysql', folder]);
    await command([
      'mariadb-install-db',
      '--no-defaults',
      '--user=mysql',
      `--datadir=${join(folder, 'data')}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
    ]);
  },
  command: (folder, port) => [
    'mariadbd',
    '--no-defaults',
    '--user=mysql',
    `--datadir=${join(folder, 'data')}`,
    `--socket=${socket(folder)}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--pid-file=${join(folder, 'pid')}`,
    `--log-error=${join(folder, 'error.log')}`,
    '--innodb-buffer-pool-size=32M',
    '--innodb-flush-log-at-trx-commit=2',
    '--skip-log-bin',
    '--plugin-load-add=auth_socket',
  ],
  client: (folder, _port, database) => [
    'mariadb',
    '--no-defaults',
    '--user=root',
    `--socket=${socket(folder)}`,
    '--default-character-set=utf8mb4',
    ...(database === undefined ? [] : [database]),
  ],
};

export const startMariadb = (): Promise<DatabaseServer> => startServer(MARIADB);
