/** What people write into the config by mistake: told with the place and the remedy, and never read as something else. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadConfig, parseConfig } from '../../config/load.ts';
import { ConfigError, formatProblem, type Problem } from '../../config/problem.ts';
import { type Config, sourceSecret } from '../../config/schema.ts';
import { shortFolder } from '../support/folder.ts';

const PBX = "[[source]]\ntype = 'asterisk'\nname = 'pbx1'\nusername = 'logcalld'\n";
const CRM = "[leadsquared]\nhost = 'api-in21.leadsquared.com'\n";
const FILE = '/etc/logcalld/logcalld.toml';

/** A good config with more below the source and below all. */
const config = (below: string, ofSource = ''): Config => parseConfig(`${PBX}${ofSource}${CRM}${below}`, FILE);

function problemsOf(load: () => unknown): readonly Problem[] {
  try {
    load();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const told = (below: string, ofSource = ''): string =>
  problemsOf(() => config(below, ofSource))
    .map(formatProblem)
    .join('\n');

t.test('a field of the body whose name ends like that of a file keeps its text', async (t) => {
  const { extra } = config("[leadsquared.body.extra]\nmx_recording_file = '{file}'\npath = 'x {path}'\n").leadsquared
    .body;
  t.same(extra, { mx_recording_file: '{file}', path: 'x {path}' });
});

t.test('blanks around a file name are no part of it', async (t) => {
  const { source, storage } = config("[storage]\npath = ' calls.db '\n", "secret_file = ' /etc/x '\n");
  t.same(
    source.map(sourceSecret).map(({ file }) => file),
    ['/etc/x'],
  );
  t.equal(storage.path, '/etc/logcalld/calls.db');
});

t.test(
  'a folder in place of the config is told with the file that is meant, and is given no other rights',
  async (t) => {
    const folder = shortFolder(t, { trial: { 'logcalld.toml': '' } });
    for (const [path, remedy] of [
      [join(folder, 'trial'), `Name the file in it, e.g. --config ${join(folder, 'trial/logcalld.toml')}.`],
      [join(folder, 'trial/logcalld.toml/x'), 'Make it with "logcalld init", or name another file with --config.'],
    ] as const) {
      const [problem] = problemsOf(() => loadConfig(path));
      t.same([problem?.remedy, problem?.commands], [remedy, undefined], path);
    }
  },
);

t.test('a file in UTF-16, as Windows saves it, is called that', async (t) => {
  const folder = shortFolder(t, { 'x.toml': '' });
  for (const text of [`\ufeff${PBX}${CRM}`, `${PBX}${CRM}`]) {
    writeFileSync(join(folder, 'x.toml'), text, 'utf16le');
    t.throws(() => loadConfig(join(folder, 'x.toml')), {
      message: /found UTF-16, .*expected UTF-8\. Save it as UTF-8/,
    });
  }
});

t.test('a date or time without quotes is called that', async (t) => {
  for (const [line, below, ofSource] of [
    [
      'storage.backup.at: found a date or time without quotes, expected a time of day',
      '[storage.backup]\nat = 03:30\n',
      '',
    ],
    ['source[0].country: found a date or time without quotes', '', 'country = 2026-11-22\n'],
  ] as const)
    t.match(told(below, ofSource), line);
});

t.test('a number that stands where a key should be is not shown whole either', async (t) => {
  for (const text of [
    told('', "'+919845012345' = '1001'\n"),
    told('', "[source.direct_lines]\n'09845012345' = '1001'\n"),
    told("[leadsquared.body.status.inbound]\n'9845012345' = 'x'\n"),
  ]) {
    t.match(text, '***2345');
    t.notMatch(text, '9845012345');
  }
});

t.test('a key that belongs to another table is told with that table', async (t) => {
  for (const [below, ofSource, remedy] of [
    ['', '[source.tls]\nport = 5039\n', 'port is a key of [[source]]: move it up, before the first table below that.'],
    ['', "[source.direct_lines]\nspeed_dials = ['7*']\n", 'speed_dials is a key of [[source]]: move it up,'],
    ['[leadsquared.limit]\nauth = "query"\n', '', 'auth is a key of [leadsquared]: move it up,'],
    ['[storage.retention]\nkeep = 3\n', '', 'Is storage.backup.keep meant?'],
    ['[storage.retention]\nkeeep = 3\n', '', 'Take it out.'],
  ] as const)
    t.match(told(below, ofSource), remedy);
});

t.test('a host with its port or in brackets is told what is too much', async (t) => {
  for (const host of ['[::1]', 'pbx:5038', '[::1]:5038'])
    t.match(told('', `host = '${host}'\n`), /a port has a key of its own, an IPv6 address no brackets/, host);
});

const OTHER = "[[source]]\ntype = 'asterisk'\nname = 'pbx2'\nusername = 'logcalld'\n";

t.test('one PBX in two sources would have each call logged twice', async (t) => {
  const one = 'source[1].host: found the PBX of source[0], 127.0.0.1:5038, expected another one.';
  t.match(told('', OTHER), one);
  t.match(told('', `${OTHER}host = 'LOCALHOST'\n`), /found the PBX of source\[0\], localhost:5038/);
  t.equal(told('', `${OTHER}port = 5040\n`), '');
  t.equal(told('', `${OTHER}host = '10.0.0.2'\n`), '');
  t.equal(told('', OTHER.replace("'asterisk'", "'freeswitch'").replace(/username.*\n/, 'port = 5038\n')), '');
});

t.test('page and metrics cannot have one port', async (t) => {
  const both = (page: string) => told(`[metrics]\nlisten = '127.0.0.1:9469'\n[page]\nlisten = '${page}'\n`);
  for (const page of ['127.0.0.1:9469', 'localhost:9469'])
    t.match(both(page), 'page.listen: found the port of metrics.listen, expected another one', page);
  t.equal(both('127.0.0.1:8470'), '');
});

t.test('TLS that is described but not switched on is no TLS', async (t) => {
  const tls = (lines: string) => told('', `[source.tls]\n${lines}\n`);
  t.match(
    tls("ca_file = '/x.pem'"),
    /:5: source\[0\]\.tls\.enabled: found nothing, expected true or false, because ca/,
  );
  t.match(tls("servername = 'pbx.example'"), 'because servername is set. Add enabled = true');
  t.equal(tls("ca_file = '/x.pem'\nenabled = false"), '', 'switched off on purpose');
  const records = "[[source.records]]\ntype = 'mysql'\n[source.records.tls]\nca_file = '/x.pem'\n";
  t.match(told('', records), /source\[0\]\.records\[0\]\.tls\.enabled: found nothing/);
});

t.test('keys that do nothing beside others are told', async (t) => {
  for (const [below, note] of [
    ["[leadsquared.lead]\nseveral = 'park'\n", /^\[leadsquared\.lead\] several does nothing while search is 'latest'/],
    ["[leadsquared.lead]\ncapture_source = 'x'\n", /capture_source does nothing unless unknown is 'capture'/],
    [
      "[leadsquared.user]\nunknown = ['park', 'lead-owner']\n",
      /unknown: 'lead-owner' is never tried, as 'park' before/,
    ],
    [
      "[leadsquared.user]\nno_agent = ['omit', 'skip', 'park']\n",
      /no_agent: 'skip', 'park' are never tried, as 'omit'/,
    ],
    [
      "[leadsquared.user]\ndefault_user = 'a@x'\nunknown = ['park']\nno_agent = ['omit']\n",
      /default_user does nothing/,
    ],
    ["[leadsquared.retry]\nbase = '10m'\ncap = '1m'\n", /\[leadsquared\.retry\] base is longer than cap/],
    ["reply_timeout = '2m'\n", /\[leadsquared\] reply_timeout is longer than total_timeout/],
  ] as const)
    t.match(config(below).notes.join('\n'), note, below);
  t.same(config('').notes, []);
  const used = "[leadsquared.lead]\nseveral = 'park'\nsearch = 'all'\ncapture_source = 'x'\nunknown = 'capture'\n";
  t.same(config(`${used}[leadsquared.user]\ndefault_user = 'a@x'\n`).notes, []);
});

t.test('a number that is written with blanks or hyphens would be compared with none', async (t) => {
  for (const number of ['+91 98450 12345', '+91-9845012345', '(080) 4111 0001', '080-4111*', '+91 9845*']) {
    for (const key of ['own_numbers', 'skip_dids', 'skip_numbers'])
      t.match(
        told(`[filters]\n${key} = ['${number}']\n`),
        /digits alone, e\.g\. '\+91\d+\*?'|digits alone/,
        `${key} ${number}`,
      );
    t.match(told(`[[leadsquared.body.line]]\nmatch = ['${number.replace('*', '')}']\n`), /digits alone/, number);
  }
  for (const number of ['+919845012345', '09845*', 'anonymous', 'John Doe', '101@first.example', 'x-1'])
    t.equal(told(`[filters]\nown_numbers = ['${number}']\n`), '', number);
  t.equal(told("[filters]\nskip_trunks = ['PJSIP/in 2']\n[[leadsquared.body.line]]\nmatch = ['PJSIP/a-1']\n"), '');
});

t.test('an abbreviation of a time zone means several of them', async (t) => {
  for (const zone of ['BST', 'CST', 'IST', 'est'])
    t.match(told(`[leadsquared.body]\ntime_zone = '${zone}'\n`), /a time zone of the IANA database/, zone);
  for (const zone of ['UTC', 'GMT', 'Asia/Kolkata', 'Asia/Calcutta', 'Etc/GMT+5', '+05:30', 'Singapore'])
    t.equal(told(`[leadsquared.body]\ntime_zone = '${zone}'\n`), '', zone);
});
