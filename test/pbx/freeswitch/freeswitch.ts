import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { guarded } from '../../support/guard.ts';
import { COMPANY, type Pbx } from '../pbx.ts';
import { openPhones } from '../phones.ts';
import { freeTcpPort, freeUdpPort } from '../ports.ts';
import { diesOf, endProcess } from '../process.ts';
import { messageOf } from '../report.ts';
import { configText, modulesOf, writeHome } from './config.ts';
import { EslSession, eslProtocol } from './esl.ts';

const run = promisify(execFile);
const START_MS = 30_000;
const AGAIN_MS = 100;
const RTP_PORTS = 400;
const PROFILES = ['internal', 'external'];

/** The FreeSWITCH of this machine: the program LOGCALLD_FREESWITCH names, else the one on PATH; `null` without one. */
export function findFreeswitch(env: NodeJS.ProcessEnv): string | null {
  if (env.LOGCALLD_FREESWITCH) return resolve(env.LOGCALLD_FREESWITCH);
  const places = (env.PATH ?? '').split(delimiter).map((folder) => resolve(folder, 'freeswitch'));
  return places.find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What `freeswitch -version` prints. Rejects when the program cannot be run. */
export async function freeswitchVersion(program: string): Promise<string> {
  try {
    const { stdout } = await run(program, ['-version'], { timeout: START_MS });
    return stdout.trim().split('\n')[0] || program;
  } catch (error) {
    throw new Error(`freeswitch: ${program} -version failed: ${messageOf(error)}`);
  }
}

/** Starts it with a configuration, ports, secrets and folders of its own, and registers the telephones. */
export async function startFreeswitch(program: string, version: string): Promise<Pbx> {
  const home = await mkdtemp(join(tmpdir(), 'logcalld-freeswitch-'));
  const phoneSecret = randomBytes(9).toString('hex');
  const secret = randomBytes(9).toString('hex');
  const sip = { phones: await freeUdpPort(), trunk: await freeUdpPort() };
  const esl = await freeTcpPort();
  const phones = await openPhones(sip, phoneSecret);
  const firstRtp = 2 * randomInt(15_200, 16_000);
  const config = await configText({
    HOME: home,
    SIP: String(sip.phones),
    TRUNK: String(sip.trunk),
    ESL: String(esl),
    CARRIER: String(phones.callee.port),
    RTP_FIRST: String(firstRtp),
    RTP_LAST: String(firstRtp + RTP_PORTS - 1),
    PHONE_SECRET: phoneSecret,
    ESL_SECRET: secret,
  });
  const child = spawn(program, await writeHome(home, config), { cwd: home, stdio: ['ignore', 'pipe', 'pipe'] });
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => printed.push(String(text)));
  }
  guarded(child);

  const stop = async (): Promise<void> => {
    phones.close();
    // The same as `fsctl shutdown`: it hangs up, writes its call records and ends.
    await endProcess(child, 'FreeSWITCH');
    await rm(home, { recursive: true, force: true });
  };

  try {
    await ready(child, esl, secret, modulesOf(config));
    await phones.register();
  } catch (error) {
    const log = await readFile(join(home, 'log', 'freeswitch.log'), 'utf8').catch(() => '(it wrote no log)');
    await stop();
    const said = [`${program} did not start: ${messageOf(error)}`, ...lastLines(printed.join('')), ...lastLines(log)];
    throw new Error(said.join('\n'));
  }

  return {
    name: 'freeswitch',
    type: 'freeswitch',
    version,
    events: { address: '127.0.0.1', port: esl },
    protocol: eslProtocol(),
    caller: phones.caller,
    callee: phones.callee,
    phone: phones.phone,
    secret,
    source: (port, secretFile) =>
      [
        '[[source]]',
        'type = "freeswitch"',
        'name = "freeswitch"',
        'host = "127.0.0.1"',
        `port = ${port}`,
        `password_file = "${secretFile}"`,
        'country = "IN"',
        '[[source.trunk]]',
        'match = ["sofia/external/*"]',
        `number = "${COMPANY.direct}"`,
        '[[source.records]]',
        'type = "json-cdr"',
        `folder = "${join(home, 'cdr')}"`,
      ].join('\n'),
    recordedCalls: async () => {
      const files = await readdir(join(home, 'cdr'));
      return new Set(files.flatMap((name) => /^(?:a_)?([0-9a-f-]{36})\.cdr\.json$/.exec(name)?.[1] ?? []));
    },
    originate: async (extension, number) => {
      await using session = await EslSession.login(esl, secret);
      const settings = `{origination_caller_id_name='Click to call',origination_caller_id_number=${number},originate_timeout=15}`;
      await session.background(`originate ${settings}user/${extension}@127.0.0.1 ${number} XML default`);
    },
    rights: null,
    // mod_json_cdr writes at the end of a call only.
    process: null,
    stop,
  };
}

/** Resolves when it has all modules and both SIP profiles listen; rejects with what is missing. */
async function ready(child: ChildProcess, port: number, secret: string, modules: readonly string[]): Promise<void> {
  let missing = `its event socket does not answer on port ${port}`;
  const wait = async (): Promise<void> => {
    const until = performance.now() + START_MS;
    while (performance.now() < until && child.exitCode === null) {
      const session = await EslSession.login(port, secret).catch((error: unknown) => {
        missing = `its event socket does not answer on port ${port}: ${messageOf(error)}`;
        return null;
      });
      if (session) {
        await using open = session;
        for (const name of modules) {
          if ((await open.api(`module_exists ${name}`)) !== 'true') throw new Error(`it has no module ${name}`);
        }
        const profiles = await open.api('sofia status');
        const idle = PROFILES.filter((name) => !new RegExp(`^\\s*${name}\\s+profile\\s.*RUNNING`, 'm').test(profiles));
        if (idle.length === 0) return;
        missing = `SIP profile ${idle.join(' and ')} does not run (is its port taken?)`;
      }
      await pause(AGAIN_MS);
    }
    throw new Error(missing);
  };
  await Promise.race([wait(), diesOf(child)]);
}

function lastLines(text: string): readonly string[] {
  return text
    .trimEnd()
    .split('\n')
    .slice(-20)
    .map((line) => `    ${line}`);
}
