import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'csv-parse/sync';
import type { EventProtocol } from '../link.ts';
import { COMPANY, type Pbx, Unavailable } from '../pbx.ts';
import { openPhones } from '../phones.ts';
import { freeTcpPort, freeUdpPort } from '../ports.ts';
import { diesOf, endProcess } from '../process.ts';
import { within } from '../sip/moment.ts';
import { fill } from '../template.ts';
import { AmiSession } from './ami.ts';
import { removeLeftovers } from './leftovers.ts';

const run = promisify(execFile);
const TEMPLATES = join(import.meta.dirname, 'conf');
const INSTALL = join(import.meta.dirname, 'install.sh');
/** Exit status of install.sh when the machine lacks something. */
const EXIT_UNAVAILABLE = 69;
const RTP_PORTS = 400;

/** Column of Master.csv with `newcdrcolumns`, counted from the end: linkedid, sequence. */
const LINKED_ID = -2;

const AMI: EventProtocol = {
  frameLength(received) {
    const greeting = /^Asterisk Call Manager[^\r]*\r\n/.exec(received);
    if (greeting) return greeting[0].length;
    const blank = received.indexOf('\r\n\r\n');
    return blank < 0 ? 0 : blank + 4;
  },
  endsSnapshot: (frame) => /^Event: (?:Status|CoreShowChannels)Complete\r$/m.test(frame),
};

/** Installs Asterisk below `folder` unless it is there; returns its version. Throws `Unavailable` with the reason. */
export async function installAsterisk(folder: string): Promise<string> {
  try {
    const { stdout } = await run('bash', [INSTALL, folder]);
    return stdout.trim().split('\n').at(-1) ?? '';
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const stderr = 'stderr' in error ? String(error.stderr).trim() : '';
    if ('code' in error && error.code === EXIT_UNAVAILABLE) throw new Unavailable(stderr.split('\n').at(-1));
    throw new Error(`asterisk: ${INSTALL} failed: ${stderr || error.message}`);
  }
}

/** Starts a fresh Asterisk in the chroot, with ports, secrets and folders of its own, and registers the telephones. */
export async function startAsterisk(folder: string, version: string): Promise<Pbx> {
  const chroot = join(folder, 'asterisk');
  await removeLeftovers(chroot);
  const disk = await mkdtemp(join(chroot, `run-${process.pid}-`));
  const home = disk.slice(chroot.length);
  const phoneSecret = randomBytes(9).toString('hex');
  const amiSecret = randomBytes(9).toString('hex');
  const sip = await freeUdpPort();
  const ami = await freeTcpPort();
  const phones = await openPhones({ phones: sip, trunk: sip }, phoneSecret);
  const firstRtp = 2 * randomInt(10_000, 15_000);
  await writeConfig(chroot, disk, {
    HOME: home,
    SIP: String(sip),
    AMI: String(ami),
    CARRIER: String(phones.callee.port),
    RTP_FIRST: String(firstRtp),
    RTP_LAST: String(firstRtp + RTP_PORTS - 1),
    PHONE_SECRET: phoneSecret,
    AMI_SECRET: amiSecret,
  });
  const daemon = spawn('chroot', [chroot, '/usr/sbin/asterisk', '-f', '-C', `${home}/etc/asterisk.conf`], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', HOME: '/root' },
    stdio: 'ignore',
  });
  const killWithParent = (): void => void daemon.kill('SIGKILL');
  process.once('exit', killWithParent);

  const stop = async (): Promise<void> => {
    phones.close();
    await endProcess(daemon, 'Asterisk');
    process.off('exit', killWithParent);
    await rm(disk, { recursive: true, force: true });
  };

  try {
    await fullyBooted(daemon, ami, amiSecret);
    await phones.register();
  } catch (error) {
    const log = await readFile(join(disk, 'log', 'full'), 'utf8').catch(() => '');
    await stop();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`asterisk did not start: ${reason}\n${log.split('\n').slice(-20).join('\n')}`);
  }

  return {
    name: 'asterisk',
    version,
    events: { address: '127.0.0.1', port: ami },
    protocol: AMI,
    caller: phones.caller,
    callee: phones.callee,
    phone: phones.phone,
    secret: amiSecret,
    source: (port, secretFile) =>
      [
        '[[source]]',
        'type = "asterisk"',
        'name = "asterisk"',
        'host = "127.0.0.1"',
        `port = ${port}`,
        'username = "logcalld"',
        `secret_file = "${secretFile}"`,
        'country = "IN"',
        '[[source.trunk]]',
        'match = ["PJSIP/trunk-*"]',
        `number = "${COMPANY.direct}"`,
      ].join('\n'),
    recordedCalls: async () => {
      const rows: string[][] = parse(await readFile(join(disk, 'log', 'cdr-csv', 'Master.csv')));
      return new Set(rows.flatMap((row) => row.at(LINKED_ID) ?? []));
    },
    originate: async (extension, number) => {
      await using session = await AmiSession.login(ami, 'click', amiSecret);
      await session.act('Originate', {
        Channel: `PJSIP/${extension}`,
        Context: 'click-to-call',
        Exten: number,
        Priority: '1',
        Timeout: '15000',
        CallerID: `"Click to call" <${number}>`,
        Async: 'true',
      });
    },
    stop,
  };
}

/** Fills the templates in and makes the folders Asterisk expects. */
async function writeConfig(chroot: string, disk: string, settings: Readonly<Record<string, string>>): Promise<void> {
  for (const name of ['etc', 'lib', 'spool', 'run', 'cache', 'moh', 'log/cdr-csv']) {
    await mkdir(join(disk, name), { recursive: true });
  }
  for (const name of await readdir(TEMPLATES)) {
    const template = await readFile(join(TEMPLATES, name), 'utf8');
    await writeFile(join(disk, 'etc', name), fill(name, template, settings), { mode: 0o600 });
  }
  // Any prompt will do as music on hold.
  const prompts = join(chroot, 'usr/share/asterisk/sounds/en_US_f_Allison');
  await cp(join(prompts, 'vm-instructions.gsm'), join(disk, 'moh', 'music.gsm'));
}

/** Asterisk opens AMI before its modules are loaded; `FullyBooted` tells when calls can be placed. */
async function fullyBooted(daemon: ChildProcess, port: number, secret: string): Promise<void> {
  const died = diesOf(daemon);
  died.catch(() => undefined);
  const login = async (): Promise<void> => {
    while (daemon.exitCode === null) {
      const session = await AmiSession.login(port, 'logcalld', secret).catch(() => null);
      if (session) {
        await session.event('FullyBooted');
        await session[Symbol.asyncDispose]();
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await within(Promise.race([login(), died]), 'FullyBooted');
}
