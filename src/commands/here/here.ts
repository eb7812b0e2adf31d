/** How this program is started here: as the service that is installed, or by hand with a config of its own, as in a trial. */
import { UNIT, unitFor } from '../../../adapters/host/service/unit.ts';
import type { Invocation } from '../../cli/command.ts';
import { DEFAULT_CONFIG } from '../../cli/commands.ts';
import { programName } from '../output.ts';

/** What is told to type, as it fits the place. */
export interface Here {
  /** Whether the installed unit runs with this config. */
  readonly service: boolean;
  /** Whether the config is one of its own, which no service would have: a trial. */
  readonly trial: boolean;
  /** A command of this program with this config, e.g. `sudo logcalld doctor`. */
  command(words: string): string;
  readonly start: string;
  /** As a part of a sentence. */
  readonly stop: string;
  /** After a change of the config or of a file that it names. */
  readonly restart: string;
  /** Where one that ended says why, as the end of a sentence. */
  readonly why: string;
  edit(file: string): string;
}

/** The config of a command. */
export const fileOf = (invocation: Invocation): string => invocation.value('config') ?? DEFAULT_CONFIG;

const SERVICE = UNIT.replace('.service', '');

/** `config`: its file, as the user names it. */
export function hereOf(config: string, env: Readonly<Record<string, string | undefined>> = process.env): Here {
  const program = programName();
  if (unitFor(config, env) !== null) {
    return {
      service: true,
      trial: false,
      command: (words) => `sudo ${program} ${words}`,
      start: `sudo systemctl start ${SERVICE}`,
      stop: `"sudo systemctl stop ${SERVICE}"`,
      restart: `sudo systemctl restart ${SERVICE}`,
      why: `look why it ended with "sudo journalctl -u ${SERVICE} -n 50"`,
      edit: (file) => `sudoedit ${file}`,
    };
  }
  const own = config === DEFAULT_CONFIG ? '' : ` --config ${/^[\w@%+=:,./-]+$/.test(config) ? config : `'${config}'`}`;
  const command = (words: string): string => `${program} ${words}${own}`;
  return {
    service: false,
    trial: own !== '',
    command,
    start: command('run'),
    stop: 'Ctrl-C in its terminal',
    restart: `${command('run')}    # after Ctrl-C where it runs`,
    why: 'see why it ended where it ran',
    edit: (file) => `nano ${file}`,
  };
}
