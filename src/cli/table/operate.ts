/** What an operator asks of the running daemon. */
import type { CommandSpec } from '../command.ts';
import { config, json, numbers, since, source, until, utc } from './options.ts';

export const OPERATE = [
  {
    name: 'status',
    summary: 'show on one screen whether all is well, and what to do if not',
    options: [config, json],
    details:
      'Ends with 0 when all is well, else with 1. Parked calls count until they are posted, or until\n"logcalld acknowledge" takes note of them.',
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
      utc,
      numbers,
      json,
    ],
    details: 'Latest first. --since and --until choose gaps of which a part lies between them.',
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
      'Gaps are filled by themselves when the PBX is heard again; this is for the rest, e.g. for\na time before [[source.records]] was set. Calls that were heard are never doubled.\n--source and --since are needed. The daemon must be running.',
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
    summary: 'take note of parked calls and of what happened to the database',
    options: [config],
    details: 'Status no longer counts what was there by then. Parked calls stay parked.',
  },
] as const satisfies readonly CommandSpec[];
