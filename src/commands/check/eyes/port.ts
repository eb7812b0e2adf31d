/** Whether the port for metrics can be had after a restart, tried as the user that the checks are made as. */
import { openLoopback } from '../../../../adapters/control/loopback.ts';
import type { Config } from '../../../../config/schema.ts';
import { reach } from '../../control.ts';
import type { Place } from '../../place.ts';
import { type Finding, ok } from '../finding.ts';

const { get } = process.getBuiltinModule('node:http');

const ABOUT = 'metrics';
const WITHIN_MS = 2_000;
const NOTHING = async () => ({ status: 404, type: 'text/plain', body: '' });

/** Nothing where no port is asked for. What the daemon of this config has itself is fine. */
export async function portFindings({ listen }: Config['metrics'], place: Place): Promise<Finding[]> {
  if (listen === null) return [];
  const { host, port } = listen;
  try {
    const server = await openLoopback(listen, { '/metrics': NOTHING, '/livez': NOTHING, '/readyz': NOTHING });
    await server.close();
    return [ok(ABOUT, `${host}:${port} is free`)];
  } catch (error) {
    if (await isOurs(host, port, place)) return [ok(ABOUT, `served by the running logcalld at ${host}:${port}`)];
    const text = `${error instanceof Error ? error.message : String(error)} Calls are logged all the same.`;
    return [{ level: 'warn', about: ABOUT, text, commands: [`sudo ss -ltnp 'sport = :${port}'`] }];
  }
}

/** Both tell when their process began, s, worked out anew each time. */
async function isOurs(host: string, port: number, place: Place): Promise<boolean> {
  const daemon = await reach(place).catch(() => null);
  if (daemon === null) return false;
  const [own, other] = await Promise.all([beganAt({ socketPath: daemon.path }), beganAt({ host, port })]);
  return own !== null && other !== null && Math.abs(own - other) < 1;
}

/** `null`: it does not say. */
function beganAt(
  where: { readonly socketPath: string } | { readonly host: string; readonly port: number },
): Promise<number | null> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(WITHIN_MS);
    const asked = get(
      { ...where, path: '/metrics', headers: { host: '127.0.0.1' }, agent: false, signal },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (more: string) => {
          text += more;
        });
        response.on('end', () => {
          const began = /^process_start_time_seconds (\S+)$/m.exec(text)?.[1];
          resolve(began === undefined ? null : Number(began));
        });
        response.on('error', () => resolve(null));
      },
    );
    asked.on('error', () => resolve(null));
  });
}
