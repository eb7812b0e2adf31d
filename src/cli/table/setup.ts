/** Set-up and the daemon itself. */
import type { CommandSpec, OptionSpec } from '../command.ts';
import { config, json } from './options.ts';

const all: OptionSpec = { name: 'all', help: 'name every phone and trunk, not the first few' };

const probe: OptionSpec = { name: 'probe', help: 'place a channel that rings nobody, to prove that calls are heard' };

export const SETUP = [
  {
    name: 'demo',
    summary: 'show it at work: recorded calls and a stand-in LeadSquared',
  },
  {
    name: 'init',
    summary: 'set it up: asks for PBX, LeadSquared and users, writes config and secrets',
    options: [
      { name: 'directory', value: 'DIR', help: 'where they go (default /etc/logcalld); another one is a trial' },
      { name: 'asterisk', value: 'HOST', help: 'the PBX is an Asterisk or FreePBX there; HOST:PORT' },
      { name: 'freeswitch', value: 'HOST', help: 'the PBX is a FreeSWITCH or FusionPBX there; HOST:PORT' },
      { name: 'name', value: 'NAME', help: 'of the PBX: every call id begins with it (default pbx1)' },
      { name: 'username', value: 'USER', help: 'of AMI (default logcalld)' },
      { name: 'tls', help: 'AMI over TLS' },
      { name: 'pbx-secret-file', value: 'FILE', help: "holds the PBX's secret for logcalld, - for stdin" },
      { name: 'no-records', help: "leave the PBX's own records of calls out, though they were found" },
      { name: 'country', value: 'CC', help: 'of the numbers on the trunks (default IN)' },
      { name: 'leadsquared-host', value: 'HOST', help: 'API host of the account' },
      { name: 'access-key-file', value: 'FILE', help: 'holds the access key, - for stdin' },
      { name: 'secret-key-file', value: 'FILE', help: 'holds the secret key, - for stdin' },
      { name: 'users', value: 'FILE', help: 'which LeadSquared user has which extension' },
      {
        name: 'default-user',
        value: 'EMAIL',
        help: 'for agents without one; or omit: no user, or wait: parked (default)',
      },
      { name: 'yes', help: 'ask nothing: options and what is found decide' },
      { name: 'force', help: 'replace what is there; a copy is kept' },
    ],
    details: [
      'An option is the answer to its question. Secrets come from files, the standard input (a line',
      'each, in the order of the options here) or the keyboard, never from the command line. At the',
      'end it says what the PBX needs, and what to type next.',
    ].join('\n'),
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
    options: [config, { name: 'offline', help: 'check the files only' }, all, probe],
    details: [
      'Run by root beside an installed service, it looks as the user of the service does, with the',
      'secrets that systemd hands to it. Ends with 78 when the daemon would not start, with 1 when',
      'something else is wrong or cannot be reached.',
    ].join('\n'),
  },
  {
    name: 'doctor',
    summary: 'check everything, say what is wrong and what to type',
    options: [
      config,
      all,
      probe,
      json,
      {
        name: 'support',
        value: 'FILE',
        help: 'write a report without secrets and whole numbers, to be sent to somebody',
      },
    ],
    details: [
      'In the order in which an installation meets trouble. "check-config" looks at a part of it, the',
      'config and what it names; this also at disk, backups, clock, service and the running daemon.',
      'A check that failed keeps no other from being made; "skip" tells which cannot be made, and why.',
      '--json: one object a line, {"level": "ok", "info", "warn", "FAIL" or "skip", "check": a name for',
      'programs, "about", "found", "expected": or null, "commands": [to type], "lines": [for the config',
      'or the file that "found" names], "elsewhere": why there is nothing to type, or null}.',
      'Ends with 78 when the daemon would not start, with 1 when something else failed, else with 0.',
    ].join('\n'),
  },
] as const satisfies readonly CommandSpec[];
