/** The commands of logcalld, in the order of the help. What they do is in `src/commands`. */
import type { CommandSpec } from './command.ts';
import { CALLS } from './table/calls.ts';
import { OPERATE } from './table/operate.ts';
import { SETUP } from './table/setup.ts';
import { STORE } from './table/store.ts';
import { TOOLS } from './table/tools.ts';

export { DEFAULT_CONFIG } from './table/options.ts';

export const COMMANDS = [...SETUP, ...OPERATE, ...CALLS, ...STORE, ...TOOLS] as const satisfies readonly CommandSpec[];

/** Names of the commands; whoever supplies what they do must supply all. */
export type CommandName = (typeof COMMANDS)[number]['name'];
