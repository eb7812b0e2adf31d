/** Calls: what became of them, and posting them again. */
import type { CommandSpec } from '../command.ts';
import {
  agent,
  at,
  config,
  direction,
  json,
  number,
  numbers,
  queue,
  reason,
  since,
  source,
  state,
  status,
  until,
  user,
  utc,
} from './options.ts';

export const CALLS = [
  {
    name: 'calls list',
    aliases: ['calls'],
    summary: 'list calls and what became of them, newest first',
    options: [
      config,
      at,
      since,
      until,
      state,
      reason,
      status,
      source,
      direction,
      number,
      agent,
      user,
      queue,
      { name: 'limit', value: 'N', help: 'at most so many, up to a million (default 50)' },
      { name: 'watch', short: 'w', help: 'show calls as they come, and what becomes of them, until Ctrl-C' },
      { name: 'arrival', help: 'in the order in which they were stored, oldest first' },
      { name: 'cursor', value: 'PLACE', help: 'go on behind the call whose object had this "cursor"' },
      utc,
      numbers,
      json,
    ],
    details:
      'Times are local unless --utc is given; the list names the zone. --since and --until look at the end\n' +
      'of a call, --at at its whole time and a minute before and after. README.md describes --json. An\n' +
      'export that goes on where the last one ended: --arrival --json --limit 1000000 --cursor PLACE.',
  },
  {
    name: 'calls show',
    summary: 'show one call: its course, its lead and user, every attempt',
    arguments: 'ID',
    options: [config, { name: 'body', help: 'show what was sent, or would be sent now' }, utc, numbers, json],
    details: 'A beginning or an end of the ID is enough when only one call has it.',
  },
  {
    name: 'replay',
    aliases: ['calls replay'],
    summary: 'post calls again, by id, or by all that selects calls in a list',
    arguments: '[ID...]',
    options: [
      config,
      at,
      since,
      until,
      state,
      reason,
      status,
      source,
      direction,
      number,
      agent,
      user,
      queue,
      { name: 'dry-run', help: 'show what would be posted and post nothing' },
      { name: 'force', help: 'also calls that LeadSquared has already: they get a second call log' },
      { name: 'after', value: 'PLACE', help: 'go on where a replay with --force was broken off: it tells the place' },
      utc,
      numbers,
      json,
    ],
    details:
      'Posts go through the same limit as all others, behind new calls. The daemon must be running.\nCtrl-C breaks off between two pages; the same command then goes on with the rest.\n' +
      'Of a selection, what the config would have skipped again is left alone, and told with what to\n' +
      'change. A call that is named by its ID is posted whatever list of [filters], age, or policy\n' +
      '"skip" left it out, but not an internal call (unless internal is "post") and none with an own\n' +
      'number. --force changes nothing of this.',
  },
  {
    name: 'users',
    summary: 'show which LeadSquared user each extension belongs to, unmatched first',
    options: [config, utc, json],
    details:
      'An extension is listed when it is in the users file, or a user was looked for to post a call\n' +
      'of it. Calls that were skipped, as internal ones are, do not count: "logcalld calls --agent\n' +
      'EXTENSION" lists all of them.',
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
    details:
      '--since is needed. For use after a correction of the config or of logcalld. A call in LeadSquared\n' +
      'gets its new recording and duration; one that is not there yet is posted with all newer facts,\n' +
      'a parked one when it is replayed.',
  },
  {
    name: 'explain',
    aliases: ['calls explain'],
    summary: 'show why a call is what it is: what decided each field, and what was rejected',
    arguments: 'ID',
    options: [config, numbers, json],
    details:
      'Works it out again from the journal, by the config as it is now, and says what is stored otherwise.\n' +
      'The ID may be that of a leg (uniqueid, uuid), and of a call that was not logged or still goes on.',
  },
  {
    name: 'tail',
    aliases: ['calls tail'],
    summary: 'show calls as they arrive: each step of a live call, and of its delivery',
    options: [
      config,
      source,
      number,
      { name: 'agent', value: 'EXT', help: 'calls in which this extension takes part' },
      { name: 'raw', help: 'with what the PBX sent' },
      numbers,
      json,
    ],
    details:
      'The daemon must be running; where it is restarted, the command waits for it. Ctrl-C ends it.\n' +
      'Who reads too slowly is told how much was left out.',
  },
] as const satisfies readonly CommandSpec[];
