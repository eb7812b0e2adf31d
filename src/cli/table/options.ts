/** Options that several commands have. */
import type { OptionSpec } from '../command.ts';

export const DEFAULT_CONFIG = '/etc/logcalld/logcalld.toml';

export const config: OptionSpec = {
  name: 'config',
  short: 'c',
  value: 'FILE',
  help: `config file (default ${DEFAULT_CONFIG})`,
};
export const json: OptionSpec = { name: 'json', help: 'print JSON, one object a line' };
export const since: OptionSpec = {
  name: 'since',
  value: 'WHEN',
  help: "from then on: '90m', '1w' ago, today, yesterday, '10:02', '2026-11-22 09:00'",
};
export const until: OptionSpec = { name: 'until', value: 'WHEN', help: 'up to then; of a day: up to its beginning' };
export const state: OptionSpec = {
  name: 'state',
  value: 'STATE',
  many: true,
  help: 'delivery state, e.g. parked; may be repeated',
};

export const reason: OptionSpec = {
  name: 'reason',
  value: 'TEXT',
  help: 'parked or skipped for this: a word that status shows, or part of the reason',
};

export const source: OptionSpec = {
  name: 'source',
  short: 's',
  value: 'NAME',
  help: 'calls of this PBX ([[source]] name)',
};
export const number: OptionSpec = {
  name: 'number',
  value: 'DIGITS',
  help: 'calls whose outside number ends like this',
};
export const numbers: OptionSpec = { name: 'numbers', help: 'show telephone numbers whole, not masked' };
export const utc: OptionSpec = { name: 'utc', help: 'times in UTC, those that are given as well' };
export const at: OptionSpec = {
  name: 'at',
  value: 'WHEN',
  help: "calls of that time: '10:02', 'yesterday 10:02', '2026-11-22 10:02', today",
};
export const status: OptionSpec = {
  name: 'status',
  value: 'STATUS',
  many: true,
  help: 'how it ended, e.g. missed; may be repeated',
};
export const direction: OptionSpec = { name: 'direction', value: 'WORD', help: 'inbound, outbound or internal' };
export const agent: OptionSpec = {
  name: 'agent',
  value: 'WHO',
  help: 'whose call it was: an extension, or the name of its LeadSquared user',
};
export const user: OptionSpec = {
  name: 'user',
  value: 'WHO',
  help: 'calls for this LeadSquared user: id, address or name',
};
export const queue: OptionSpec = { name: 'queue', value: 'NAME', help: 'calls that waited in this queue' };
