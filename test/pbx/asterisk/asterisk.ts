import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'csv-parse/sync';
import type { EventProtocol } from '../link.ts';
import { COMPANY, type Pbx, Unavailable } from '../pbx.ts';
import { openPhones } from '../phones.ts';
import { freeUdpPort } from '../ports.ts';
import { messageOf } from '../report.ts';
import { AmiSession } from './ami.ts';
import { type Edition, editionSettings } from './edition.ts';
import { newTrunk, startGateway, trunkSettings } from './gateway.ts';
import { type Instance, startInstance } from './instance.ts';
import { removeLeftovers } from './leftovers.ts';

const run = promisify(execFile);
const INSTALL = join(import.meta.dirname, 'install.sh');
/** Exit status of install.sh when the machine lacks something. */
const EXIT_UNAVAILABLE = 69;

/** Column of Master.csv with `newcdrcolumns`, counted from the end: linkedid, sequence. */
const LINKED_ID = -2;
/** The same in the file of events, from its beginning. */
const CEL_LINKED_ID = 15;

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
export async function installAsterisk(folder: string, edition: Edition): Promise<string> {
  try {
    const { stdout } = await run('bash', [INSTALL, folder, edition.package]);
    return `${stdout.trim().split('\n').at(-1) ?? ''}, ${edition.title}`;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const stderr = 'stderr' in error ? String(error.stderr).trim() : '';
    if ('code' in error && error.code === EXIT_UNAVAILABLE) throw new Unavailable(stderr.split('\n').at(-1));
    throw new Error(`${edition.package}: ${INSTALL} failed: ${stderr || error.message}`);
  }
}

/** What an edition is told beside what is its own: where it keeps records. */
export interface Extras {
  /** Fill the templates of the edition. */
  readonly settings: Readonly<Record<string, string>>;
  /** Lines below `[[source]]` of logcalld's config. `disk`: the folder of the PBX, seen from outside. */
  readonly lines: (disk: string) => readonly string[];
}

const cdrFile = (disk: string): string => join(disk, 'log', 'cdr-csv', 'Master.csv');
const celFile = (disk: string): string => join(disk, 'log', 'cel-custom', 'Master.csv');

/** Every edition writes both. */
const FILES: Extras = {
  settings: {},
  lines: (disk) => [
    '[[source.records]]',
    'type = "csv"',
    `cdr_file = "${cdrFile(disk)}"`,
    `cel_file = "${celFile(disk)}"`,
  ],
};

/** Starts a fresh Asterisk in the chroot, with ports, secrets and folders of its own, and registers the telephones. */
export async function startAsterisk(
  folder: string,
  edition: Edition,
  version: string,
  extras: Extras = FILES,
): Promise<Pbx> {
  const chroot = join(folder, edition.package);
  await removeLeftovers(chroot);
  const phoneSecret = randomBytes(9).toString('hex');
  const sip = await freeUdpPort();
  const trunk = await newTrunk();
  const carrierSip = edition.gateway ? await freeUdpPort() : sip;
  const phones = await openPhones({ phones: sip, trunk: carrierSip }, phoneSecret);
  const started: Instance[] = [];
  const stop = async (): Promise<void> => {
    phones.close();
    for (const instance of started) await instance.stop();
  };

  try {
    const pbx = await startInstance(chroot, edition.layers, {
      SIP: String(sip),
      CARRIER: String(phones.callee.port),
      PHONE_SECRET: phoneSecret,
      ...editionSettings(edition),
      ...trunkSettings(trunk, 'company'),
      ...extras.settings,
    });
    started.push(pbx);
    if (edition.gateway) started.push(await startGateway(chroot, trunk, carrierSip, phones.callee.port));
    await phones.register().catch(async (error) => {
      throw new Error(`${messageOf(error)}\n${await pbx.log()}`);
    });
    return {
      ...pbxOf(edition, version, pbx, extras),
      caller: phones.caller,
      callee: phones.callee,
      phone: phones.phone,
      rights: {
        set: (lines) => pbx.setManagerUser('logcalld', lines),
        byHand: (command) => pbx.cli(/^asterisk -rx '(.*)'$/.exec(command)?.[1] ?? ''),
      },
      process: {
        kill: () => pbx.kill(),
        start: async () => {
          await pbx.start();
          await phones.register();
        },
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A running instance as the stories know it, without its telephones. */
function pbxOf(
  edition: Edition,
  version: string,
  { ami, secret, disk }: Instance,
  { lines }: Extras,
): Omit<Pbx, 'caller' | 'callee' | 'phone' | 'process' | 'rights' | 'stop'> {
  return {
    name: edition.name,
    type: 'asterisk',
    version,
    events: { address: '127.0.0.1', port: ami },
    protocol: AMI,
    secret,
    source: (port, secretFile) =>
      [
        '[[source]]',
        'type = "asterisk"',
        `name = "${edition.name}"`,
        'host = "127.0.0.1"',
        `port = ${port}`,
        'username = "logcalld"',
        `secret_file = "${secretFile}"`,
        'country = "IN"',
        '[[source.trunk]]',
        `match = ["${edition.trunk}"]`,
        `number = "${COMPANY.direct}"`,
        ...lines(disk),
      ].join('\n'),
    recordedCalls: async () => {
      const cdr: string[][] = parse(await readFile(cdrFile(disk)));
      // Of a call that was cut off there is nothing but the rows of its events.
      const cel: string[][] = parse(await readFile(celFile(disk)));
      const ids = [...cdr.map((row) => row.at(LINKED_ID)), ...cel.map((row) => row.at(CEL_LINKED_ID))];
      return new Set(ids.flatMap((id) => id ?? []));
    },
    originate: async (extension, number) => {
      await using session = await AmiSession.login(ami, 'click', secret);
      await session.act('Originate', {
        Channel: `${edition.phone}/${extension}`,
        Context: 'click-to-call',
        Exten: number,
        Priority: '1',
        Timeout: '15000',
        CallerID: `"Click to call" <${number}>`,
        Async: 'true',
      });
    },
  };
}
