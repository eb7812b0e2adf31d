/** The commands of logcalld, in the order of the help. What they do is in `src/commands`. */
import type { CommandSpec, OptionSpec } from './command.ts';

export const DEFAULT_CONFIG = '/etc/logcalld/logcalld.toml';

const config: OptionSpec = {
  name: 'config',
  short: 'c',
  value: 'FILE',
  help: `config file (default ${DEFAULT_CONFIG})`,
};
const json: OptionSpec = { name: 'json', help: 'print JSON, one object a line' };
const since: OptionSpec = {
  name: 'since',
  value: 'WHEN',
  help: "from then on: '90m', '2h', '7d' ago, or '2026-11-22T09:00'",
};
const until: OptionSpec = { name: 'until', value: 'WHEN', help: 'up to then' };
const state: OptionSpec = {
  name: 'state',
  value: 'STATE',
  many: true,
  help: 'delivery state, e.g. parked; may be repeated',
};

const source: OptionSpec = { name: 'source', short: 's', value: 'NAME', help: 'calls of this PBX ([[source]] name)' };
const number: OptionSpec = { name: 'number', value: 'DIGITS', help: 'calls whose outside number ends like this' };
const numbers: OptionSpec = { name: 'numbers', help: 'show telephone numbers whole, not masked' };

export const COMMANDS = [
  {
    name: 'demo',
    summary: 'show it at work: recorded calls and a stand-in LeadSquared',
  },
  {
    name: 'run',
    summary: 'run the daemon in the foreground, as systemd does',
    options: [config],
    details:
      'Ctrl-C or SIGTERM lets posts under way finish; a second one ends it at once.\nSIGHUP tries LeadSquared again, as "logcalld reload" does.',
  },
  {
    name: 'check-config',
    summary: 'check the config, and reach the PBXs and LeadSquared',
    options: [
      config,
      { name: 'offline', help: 'check the files only' },
      { name: 'all', help: 'name every phone and trunk, not the first few' },
    ],
    details: 'Ends with 78 when the config is wrong, with 1 when something cannot be reached.',
  },
  {
    name: 'calls list',
    aliases: ['calls'],
    summary: 'list calls and what became of them, newest first',
    options: [
      config,
      since,
      until,
      state,
      source,
      { name: 'direction', value: 'WORD', help: 'inbound, outbound or internal' },
      number,
      { name: 'limit', value: 'N', help: 'at most so many, up to a million (default 50)' },
      numbers,
      json,
    ],
    details: 'Times are local; --since and --until look at the end of a call.',
  },
  {
    name: 'calls show',
    summary: 'show one call: its course, its lead and user, every attempt',
    arguments: 'ID',
    options: [config, { name: 'body', help: 'show what was sent, or would be sent now' }, numbers, json],
    details: 'A beginning or an end of the ID is enough when only one call has it.',
  },
  {
    name: 'replay',
    aliases: ['calls replay'],
    summary: 'post calls again, by id, by time or by state',
    arguments: '[ID...]',
    options: [
      config,
      since,
      until,
      state,
      source,
      number,
      { name: 'dry-run', help: 'show what would be posted and post nothing' },
      { name: 'force', help: 'also calls that LeadSquared has already: they get a second call log' },
      { name: 'after', value: 'PLACE', help: 'go on where a replay with --force was broken off: it tells the place' },
      numbers,
      json,
    ],
    details:
      'Posts go through the same limit as all others, behind new calls. The daemon must be running.\nCtrl-C breaks off between two pages; the same command then goes on with the rest.',
  },
  {
    name: 'status',
    summary: 'show on one screen whether all is well, and what to do if not',
    options: [config, json],
    details: 'Ends with 0 when all is well, else with 1. Parked calls are shown but do not count.',
  },
  {
    name: 'gaps',
    summary: 'show when a PBX was not heard, and what became of the calls of that time',
    options: [
      config,
      since,
      until,
      source,
      { name: 'calls', help: 'with the calls that each touched, and how each was settled' },
      { name: 'limit', value: 'N', help: 'at most so many (default 20)' },
      numbers,
      json,
    ],
    details: 'Latest first. Times are local; --since and --until choose gaps of which a part lies between them.',
  },
  {
    name: 'backfill',
    summary: "log calls that nobody heard, from the PBX's own records",
    options: [
      config,
      { name: 'source', short: 's', value: 'NAME', help: 'the PBX ([[source]] name)' },
      since,
      until,
      { name: 'dry-run', help: 'show what would be stored and store nothing' },
      numbers,
      json,
    ],
    details:
      'Gaps are filled by themselves when the PBX is heard again; this is for the rest, e.g. for\na time before [[source.records]] was set. Calls that were heard are never doubled.\nThe daemon must be running.',
  },
  {
    name: 'pause',
    summary: 'hold posts back, e.g. during maintenance of LeadSquared',
    options: [config],
    details: 'Calls are logged and kept. It lasts until "logcalld resume" or a restart.',
  },
  {
    name: 'resume',
    summary: 'post again after a pause',
    options: [config],
  },
  {
    name: 'reload',
    summary: 'try LeadSquared again at once and fetch its users',
    options: [config],
    details: 'Changes of the config need a restart.',
  },
  {
    name: 'acknowledge',
    summary: 'take note of what happened to the database: status no longer tells it',
    options: [config],
  },
  {
    name: 'backup',
    summary: 'write the whole database into one file, beside a running daemon or without one',
    arguments: 'FILE',
    options: [config, { name: 'force', help: 'replace FILE if it is there' }],
    details: 'FILE appears when all of it is written and checked. It is readable by its owner only.',
  },
  {
    name: 'restore',
    summary: 'put a backup in the place of the database, which is kept aside',
    arguments: 'FILE',
    options: [config],
    details:
      'The daemon must be stopped.\nCalls that may have been posted since are looked for in LeadSquared before they are posted.',
  },
  {
    name: 'salvage',
    summary: 'take over the calls of a database that was put aside as damaged',
    arguments: 'FILE',
    options: [config, { name: 'dry-run', help: 'tell how many there are, and store nothing' }],
    details:
      'FILE is <database>.damaged-TIME, with its -wal beside it. Calls that are not stored, and that it\ndoes not say to be settled, are looked for in LeadSquared, and posted where they are not there.',
  },
  {
    name: 'erase',
    summary: 'take a telephone number out of all that is stored',
    options: [
      config,
      {
        name: 'number',
        value: 'NUMBER',
        help: "e.g. '+919845012345', or as it is dialled in the country of the PBX",
      },
      { name: 'dry-run', help: 'tell what would be erased and change nothing' },
    ],
    details:
      'Calls with the number go with their deliveries; in the journal its digits become zeros.\nThe daemon must be running. LeadSquared and the PBX keep what they have.',
  },
  {
    name: 'users',
    summary: 'show which LeadSquared user each extension belongs to, unmatched first',
    options: [config, json],
  },
  {
    name: 'sessions rederive',
    summary: 'derive stored calls again from the journal and show what differs',
    options: [
      config,
      since,
      until,
      source,
      { name: 'apply', help: 'store the newer facts; without it nothing is changed' },
      numbers,
      json,
    ],
    details: 'For use after a correction of logcalld. Delivered calls get an update, the others the new body.',
  },
  {
    name: 'capture',
    summary: 'write what a PBX sends into a capture file, for a bug report or a test',
    arguments: 'FILE',
    options: [config, { name: 'source', short: 's', value: 'NAME', help: 'which [[source]] (default: the only one)' }],
    details: 'A capture file holds telephone numbers and names as the PBX sends them. Ctrl-C ends it.',
  },
  {
    name: 'inspect',
    summary: "derive the calls from capture files or the PBX's own records, offline",
    arguments: '[FILE...]',
    options: [
      config,
      {
        name: 'source',
        short: 's',
        value: 'NAME',
        help: "whose numbering plan to use (default: the first of the file's kind)",
      },
      { name: 'cdr', value: 'FILE', many: true, help: "the PBX's own call records of the same time; may be repeated" },
      { name: 'cel', value: 'FILE', many: true, help: 'the same for the channel events (CEL) of Asterisk' },
      json,
    ],
    details:
      'Runs the very code that the daemon runs and prints one line a call. Needs no secrets.\n' +
      'Records complete the calls of a capture in which the link was lost; without a capture all that they\ntell is printed.',
  },
  {
    name: 'sandbox',
    summary: 'run a strict stand-in for LeadSquared on this machine',
    options: [
      { name: 'port', short: 'p', value: 'PORT', help: 'TCP port (default: any free one)' },
      { name: 'ledger', value: 'FILE', help: 'keep what was accepted in this file' },
    ],
    details:
      "Prints its keys, users and addresses.\nIn the config: host = 'http://127.0.0.1:PORT' and insecure = true.",
  },
  {
    name: 'version',
    aliases: ['--version', '-v'],
    summary: 'print the version',
  },
] as const satisfies readonly CommandSpec[];

/** Names of the commands; whoever supplies what they do must supply all. */
export type CommandName = (typeof COMMANDS)[number]['name'];
