/**
 * Rules between keys. Those of `checkRules` look at the parsed TOML, not at the checked config, so that they speak up together with the
 * errors of single keys; those of `checkTogether` need to know all defaults.
 */
import { describeFound, formatPath, isTable, type KeyPath, type Problem, type Table } from './problem.ts';
import type { Config } from './schema.ts';

export type Report = (path: KeyPath, problem: Pick<Problem, 'found' | 'expected' | 'remedy'>) => void;

export function sourcesOf(root: Table): readonly Table[] {
  return Array.isArray(root.source) ? root.source.filter(isTable) : [];
}

function recordsOf(source: Table): readonly Table[] {
  return Array.isArray(source.records) ? source.records.filter(isTable) : [];
}

export function checkRules(root: Table, report: Report): void {
  checkInlineSecrets(root, report);
  checkNames(root, report);
  for (const [index, source] of sourcesOf(root).entries()) {
    checkTls(source, ['source', index], report);
    for (const [place, records] of recordsOf(source).entries()) {
      checkRecords(records, ['source', index, 'records', place], report);
      checkTls(records, ['source', index, 'records', place], report);
    }
  }
  const crm = root.leadsquared;
  if (!isTable(crm)) return;
  checkHost(crm, report);
  checkDefaultUser(crm, report);
}

function checkInlineSecrets(root: Table, report: Report): void {
  if (root.allow_inline_secrets === true) return;
  const refuse = (path: KeyPath, fileKey: string): void => {
    report(path, {
      found: '[secret]',
      expected: 'no secret in this file',
      remedy: `Put the value into a file that only the daemon can read and name it: ${fileKey} = '/etc/logcalld/credentials/NAME', or use a systemd credential. For a trial set allow_inline_secrets = true at the top of the file.`,
    });
  };
  for (const [index, source] of sourcesOf(root).entries()) {
    for (const key of ['secret', 'password']) {
      if (source[key] !== undefined) refuse(['source', index, key], `${key}_file`);
    }
    for (const [place, records] of recordsOf(source).entries()) {
      if (records.password !== undefined) refuse(['source', index, 'records', place, 'password'], 'password_file');
    }
  }
  if (isTable(root.page) && root.page.token !== undefined) refuse(['page', 'token'], 'token_file');
  if (!isTable(root.leadsquared)) return;
  for (const key of ['access_key', 'secret_key']) {
    if (root.leadsquared[key] !== undefined) refuse(['leadsquared', key], `${key}_file`);
  }
}

function checkNames(root: Table, report: Report): void {
  const seen = new Map<unknown, number>();
  for (const [index, source] of sourcesOf(root).entries()) {
    const first = seen.get(source.name);
    if (source.name !== undefined && first !== undefined) {
      report(['source', index, 'name'], {
        found: describeFound(source.name),
        expected: `a name other than that of ${formatPath(['source', first])}`,
        remedy: 'Give each [[source]] its own name: call ids begin with it.',
      });
    }
    if (first === undefined) seen.set(source.name, index);
  }
}

/** A place of records without any records, and a login that the way to the server does not have. */
function checkRecords(records: Table, path: KeyPath, report: Report): void {
  if (records.cdr_table === '' && records.cel_table === '') {
    report([...path, 'cel_table'], {
      found: "''",
      expected: 'the name of a table, because cdr_table is empty as well',
      remedy: 'Name at least one of the two tables, or take this [[source.records]] out.',
    });
  }
  if (records.cdr_file === '' && records.cel_file === undefined) {
    report([...path, 'cel_file'], {
      found: 'nothing',
      expected: 'the path of a file, because cdr_file is empty',
      remedy: 'Name at least one of the two files, or take this [[source.records]] out.',
    });
  }
  if (records.auth === 'peer' && records.socket === undefined) {
    report([...path, 'socket'], {
      found: 'nothing',
      expected: "the path of the server's socket, because auth is 'peer'",
      remedy: "Add socket = '/run/mysqld/mysqld.sock' (PostgreSQL: its folder, '/run/postgresql'), or use a password.",
    });
  }
  if (isTable(records.tls) && records.tls.enabled === true && records.socket !== undefined) {
    report([...path, 'tls', 'enabled'], {
      found: 'true',
      expected: 'false, because the server is reached over its socket',
      remedy:
        'Take socket out to reach it by host and port, or take this table out: nobody sits on the way to a socket.',
    });
  }
}

/** Whoever names a certificate wants TLS: without it, password and calls would cross the network readable. */
function checkTls({ tls }: Table, path: KeyPath, report: Report): void {
  if (!isTable(tls) || tls.enabled !== undefined) return;
  const key = ['ca_file', 'servername'].find((name) => tls[name] !== undefined);
  if (key === undefined) return;
  report([...path, 'tls', 'enabled'], {
    found: 'nothing',
    expected: `true or false, because ${key} is set`,
    remedy: 'Add enabled = true; false says that there is to be no TLS all the same.',
  });
}

/** Plain HTTP would show the keys to the network: only to this machine, and only when asked for. */
function checkHost(crm: Table, report: Report): void {
  if (typeof crm.host !== 'string') return;
  const url = URL.parse(crm.host.trim());
  if (url?.protocol !== 'http:') return;
  const loopback = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  if (loopback && crm.insecure === true) return;
  report(['leadsquared', 'host'], {
    found: describeFound(crm.host),
    expected: 'https',
    remedy: loopback
      ? 'For the sandbox on this machine set leadsquared.insecure = true.'
      : `Write host = 'https://${url.host}': over http the keys would be readable on the way.`,
  });
}

function checkDefaultUser(crm: Table, report: Report): void {
  if (!isTable(crm.user) || crm.user.default_user !== undefined) return;
  const { user } = crm;
  // Further back in the list it is passed over, which is what the default lists mean without a default user.
  const key = ['unknown', 'no_agent'].find((name) => {
    const steps = user[name];
    return Array.isArray(steps) && steps[0] === 'default-user';
  });
  if (key === undefined) return;
  report(['leadsquared', 'user', 'default_user'], {
    found: 'nothing',
    expected: `the e-mail address or id of a LeadSquared user, because ${key} begins with 'default-user'`,
    remedy: `Add default_user = 'name@example.com' below [leadsquared.user], or take 'default-user' out of ${key}.`,
  });
}

type Values = Omit<Config, 'notes'>;

/** Values that are good each by itself, and not together. */
export function checkTogether(config: Values, report: Report): void {
  checkPlaces(config, report);
  const { page, metrics } = config;
  if (page.listen === null || metrics.listen === null) return;
  if (here(page.listen.host) !== here(metrics.listen.host) || page.listen.port !== metrics.listen.port) return;
  report(['page', 'listen'], {
    found: 'the port of metrics.listen',
    expected: 'another one',
    remedy: 'Give the page a port of its own: one address serves one of the two.',
  });
}

/** A block that was copied, and its host forgotten. */
function checkPlaces({ source }: Values, report: Report): void {
  const seen = new Map<string, number>();
  for (const [index, { type, host, port }] of source.entries()) {
    const place = JSON.stringify([type, here(host.toLowerCase()), port]);
    const first = seen.get(place);
    if (first === undefined) seen.set(place, index);
    else
      report(['source', index, 'host'], {
        found: `the PBX of source[${first}], ${host.toLowerCase()}:${port}`,
        expected: 'another one',
        remedy: 'Correct host or port, or take one [[source]] out: each of its calls would be logged twice.',
      });
  }
}

const here = (host: string): string => (host === 'localhost' ? '127.0.0.1' : host);

/** Keys that do nothing beside others, a sentence each. */
export function idleKeys({ leadsquared }: Values): readonly string[] {
  const { lead, user, retry } = leadsquared;
  const notes: string[] = [];
  if (lead.several !== 'first' && lead.search === 'latest')
    notes.push(
      "[leadsquared.lead] several does nothing while search is 'latest', which finds one lead: set search = 'all', or take it out.",
    );
  if (lead.capture_source !== null && lead.unknown !== 'capture')
    notes.push("[leadsquared.lead] capture_source does nothing unless unknown is 'capture'.");
  if (user.default_user !== null && ![...user.unknown, ...user.no_agent].includes('default-user'))
    notes.push("[leadsquared.user] default_user does nothing: neither unknown nor no_agent has 'default-user'.");
  notes.push(...neverTried('unknown', user.unknown), ...neverTried('no_agent', user.no_agent));
  if (retry.base > retry.cap) notes.push('[leadsquared.retry] base is longer than cap, which counts then.');
  for (const key of ['connect_timeout', 'reply_timeout'] as const)
    if (leadsquared[key] > leadsquared.total_timeout)
      notes.push(`[leadsquared] ${key} is longer than total_timeout, which ends a request before.`);
  return notes;
}

/** What settles each call that comes to it. */
const LAST: readonly string[] = ['omit', 'park', 'skip'];

function neverTried(key: string, steps: readonly string[]): readonly string[] {
  const last = steps.findIndex((step) => LAST.includes(step));
  const after = last < 0 ? [] : steps.slice(last + 1);
  if (after.length === 0) return [];
  const names = after.map((step) => `'${step}'`).join(', ');
  return [
    `[leadsquared.user] ${key}: ${names} ${after.length === 1 ? 'is' : 'are'} never tried, as '${steps[last]}' before settles each call.`,
  ];
}
