/** The PBX on this machine, as far as its files show it: what `init` proposes. */
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

export type PbxType = 'asterisk' | 'freeswitch';

/** A PBX on this machine. */
export interface FoundPbx {
  readonly type: PbxType;
  /** As people call it. */
  readonly product: 'FreePBX' | 'Asterisk' | 'FusionPBX' | 'FreeSWITCH';
  /** By what it was found: a file, or a port that answers. */
  readonly by: string;
  /** `null`: the usual one. */
  readonly port: number | null;
  /** What lets a user of that name in already (FreeSWITCH knows no names); `null`: nothing does. */
  readonly loginOf: (username: string) => FoundLogin | null;
  readonly records: RecordsPlace | null;
}

export interface FoundLogin {
  /** Never printed. */
  readonly secret: string;
  /** The file in which it stands. */
  readonly file: string;
}

/** Where the PBX keeps its own records, by kind. */
export type RecordsPlace =
  | { readonly kind: 'freepbx'; readonly socket: string }
  | { readonly kind: 'fusionpbx'; readonly socket: string }
  | { readonly kind: 'csv'; readonly file: string }
  | { readonly kind: 'json-cdr'; readonly folder: string };

/** What it looks for below; another root than `/` is for tests. */
export interface Where {
  readonly root: string;
  /** Whether something listens on that port of this machine. */
  readonly listens: (port: number) => Promise<boolean>;
}

export const HERE: Where = { root: '/', listens };

/** The user of the PBX's interface that logcalld is to have. */
export const LOGIN = 'logcalld';
const AMI_PORT = 5038;
const ESL_PORT = 8021;
/** FreeSWITCH ships with it, and everybody knows it. */
export const SHIPPED_PASSWORD = 'ClueCon';

const CONNECT_WITHIN_MS = 1_000;

/** Each PBX that is there; the one whose files are more particular first. */
export async function findPbxs(where: Where = HERE): Promise<readonly FoundPbx[]> {
  const [asterisk, freeswitch] = [asteriskHere(where), freeswitchHere(where)];
  const found = [asterisk, freeswitch].flatMap((one) => one ?? []);
  if (asterisk === null && (await where.listens(AMI_PORT))) found.push(listening('asterisk', 'Asterisk', AMI_PORT));
  if (freeswitch === null && (await where.listens(ESL_PORT)))
    found.push(listening('freeswitch', 'FreeSWITCH', ESL_PORT));
  return found;
}

const listening = (type: PbxType, product: FoundPbx['product'], port: number): FoundPbx => ({
  ...{ type, product, by: `port ${port}`, port: null, loginOf: () => null, records: null },
});

const MYSQL_SOCKETS = ['/run/mysqld/mysqld.sock', '/var/run/mysqld/mysqld.sock', '/var/lib/mysql/mysql.sock'];
const MASTER_CSV = '/var/log/asterisk/cdr-csv/Master.csv';

function asteriskHere({ root }: Where): FoundPbx | null {
  const there = (path: string): boolean => existsSync(join(root, path));
  const freepbx = ['/etc/freepbx.conf', '/etc/amportal.conf'].find(there);
  const manager = '/etc/asterisk/manager.conf';
  const by = freepbx ?? [manager, '/etc/asterisk/asterisk.conf'].find(there);
  if (by === undefined) return null;
  const port = sectionOf(textOf(root, manager), 'general').get('port');
  const files = [manager, '/etc/asterisk/manager_custom.conf', '/etc/asterisk/manager_additional.conf'];
  const loginOf = (username: string): FoundLogin | null => {
    const logins = files.map((file) => ({ file, secret: sectionOf(textOf(root, file), username).get('secret') ?? '' }));
    return logins.find(({ secret }) => secret !== '') ?? null;
  };
  const socket = MYSQL_SOCKETS.find(there);
  const csv = there(MASTER_CSV) ? { kind: 'csv' as const, file: MASTER_CSV } : null;
  return {
    ...{ type: 'asterisk', product: freepbx === undefined ? 'Asterisk' : 'FreePBX', by },
    port: portOf(port, AMI_PORT),
    loginOf,
    records: freepbx !== undefined && socket !== undefined ? { kind: 'freepbx', socket } : csv,
  };
}

const FREESWITCH_FOLDERS = ['/etc/freeswitch', '/usr/local/freeswitch/conf', '/usr/local/freeswitch/etc/freeswitch'];
const JSON_FOLDER = '/var/log/freeswitch/json_cdr';
const POSTGRES_SOCKETS = '/run/postgresql';

function freeswitchHere({ root }: Where): FoundPbx | null {
  const there = (path: string): boolean => existsSync(join(root, path));
  const fusion = ['/etc/fusionpbx/config.conf', '/etc/fusionpbx/config.php'].find(there);
  const folder = FREESWITCH_FOLDERS.find(there);
  if (fusion === undefined && folder === undefined) return null;
  const file = folder === undefined ? null : `${folder}/autoload_configs/event_socket.conf.xml`;
  const text = file === null ? '' : textOf(root, file);
  const password = parameterOf(text, 'password');
  const own = file === null || password === null || password === SHIPPED_PASSWORD ? null : { secret: password, file };
  const json = there(JSON_FOLDER) ? { kind: 'json-cdr' as const, folder: JSON_FOLDER } : null;
  return {
    ...{ type: 'freeswitch', product: fusion === undefined ? 'FreeSWITCH' : 'FusionPBX', by: fusion ?? folder ?? '' },
    port: portOf(parameterOf(text, 'listen-port') ?? undefined, ESL_PORT),
    loginOf: () => own,
    records: fusion !== undefined && there(POSTGRES_SOCKETS) ? { kind: 'fusionpbx', socket: POSTGRES_SOCKETS } : json,
  };
}

function portOf(text: string | undefined, usual: number): number | null {
  const port = Number(text);
  return Number.isInteger(port) && port > 0 && port < 65_536 && port !== usual ? port : null;
}

/** `key = value` below `[name]` of a file of Asterisk; `;` begins a comment, `\;` is a part of the value. */
function sectionOf(text: string, name: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  let inside = false;
  for (const raw of text.split('\n')) {
    const line = raw.replace(/(?<!\\);.*$/, '').trim();
    const header = /^\[([^\]]+)\]/.exec(line);
    if (header !== null) inside = header[1] === name;
    const pair = /^([\w-]+)\s*=>?\s*(.*)$/.exec(line);
    if (inside && pair !== null && !values.has(pair[1] ?? ''))
      values.set(pair[1] ?? '', (pair[2] ?? '').replaceAll('\\;', ';'));
  }
  return values;
}

/** `<param name="password" value="..."/>`, comments left out; `null`: there is none, or it is a variable of FreeSWITCH. */
function parameterOf(xml: string, name: string): string | null {
  const value = new RegExp(`<param\\s+name="${name}"\\s+value="([^"]*)"`).exec(
    xml.replace(/<!--[\s\S]*?-->/g, ''),
  )?.[1];
  return value === undefined || value === '' || value.includes('$') || value.includes('&') ? null : value;
}

/** Empty where it is not there, or may not be read. */
function textOf(root: string, path: string): string {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return '';
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: CONNECT_WITHIN_MS });
    const done = (answers: boolean) => () => {
      socket.destroy();
      resolve(answers);
    };
    socket.once('connect', done(true)).once('error', done(false)).once('timeout', done(false));
  });
}
