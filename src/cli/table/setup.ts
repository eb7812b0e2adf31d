/** Set-up and the daemon itself. */
import type { CommandSpec } from '../command.ts';
import { config, json } from './options.ts';

export const SETUP = [
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
      { name: 'all', help: 'name every phone and trunk, not the first few' },
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
      'or the file that "found" names]}.',
      'Ends with 78 when the daemon would not start, with 1 when something else failed, else with 0.',
    ].join('\n'),
  },
] as const satisfies readonly CommandSpec[];
