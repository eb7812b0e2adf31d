/** The Log port on winston: one line per entry on standard output, for the journal, a pipe or a terminal. */
import winston from 'winston';
import type { Log, LogLevel } from '../../src/ports.ts';
import { Redactor, type Secret } from '../../src/secret.ts';
import { visible } from '../../src/telephony/visible.ts';
import { type Plain, type Privacy, plainValue } from './log-value.ts';

export interface LogOptions {
  readonly level: LogLevel;
  /** `json`: one object a line. `text`: short lines for people. */
  readonly format: 'json' | 'text';
  /** Shows only the last four digits of telephone numbers. */
  readonly maskNumbers: boolean;
  /** Puts `<3>` to `<7>` before each line, which journald reads as the priority (sd-daemon(3)). */
  readonly journal: boolean;
  /** Colours in `text`. */
  readonly colour: boolean;
  /** Where lines go; the console unless given. */
  readonly output?: LogOutput;
  /** Time of an entry, ms since the epoch. */
  readonly now?: () => number;
}

export interface LogOutput {
  readonly transport: winston.transport;
  /** Bytes written and not yet taken by the reader. */
  backlog(): number;
  /** Resolves when the reader has taken everything written so far. */
  flush(): Promise<void>;
}

export interface HostLog extends Log {
  /** From now on this value shows as `[secret]` wherever it appears in a line. */
  hide(secret: Secret): void;
  setLevel(level: LogLevel): void;
  /** To be awaited before `process.exit`: what a slow reader has not taken by then is lost. */
  flush(): Promise<void>;
}

interface Entry {
  readonly time: number;
  readonly level: LogLevel;
  readonly event: string;
  readonly text: Plain;
  readonly fields: Readonly<Record<string, Plain>>;
}

const levels: Record<LogLevel, number> = { error: 0, warn: 1, notice: 2, info: 3, debug: 4 };
const priorities: Record<LogLevel, number> = { error: 3, warn: 4, notice: 5, info: 6, debug: 7 };
const colours: Record<LogLevel, number> = { error: 31, warn: 33, notice: 36, info: 32, debug: 90 };
const words: Record<LogLevel, string> = {
  error: 'ERROR ',
  warn: 'WARN  ',
  notice: 'NOTICE',
  info: 'INFO  ',
  debug: 'DEBUG ',
};

/** Names of the entry itself; a field of the same name is shown with `_` before it. */
const reserved: ReadonlySet<string> = new Set(['time', 'level', 'event', 'text']);

/** With so many bytes waiting, a reader has stalled: entries below `warn` are counted instead of kept in memory. */
const MAX_BACKLOG_BYTES = 4_000_000;

/** How the log should look here: JSON unless a person is watching. `stream`: the standard output. */
export function chooseFormat(
  format: 'auto' | 'json' | 'text',
  env: Readonly<Record<string, string | undefined>>,
  terminal: boolean,
): Pick<LogOptions, 'format' | 'journal' | 'colour'> {
  const journal = env.JOURNAL_STREAM !== undefined;
  const chosen = format === 'auto' ? (terminal && !journal ? 'text' : 'json') : format;
  return { format: chosen, journal, colour: terminal && !journal && (env.NO_COLOR ?? '') === '' };
}

/** Builds the log. Writing never throws: an entry that cannot be shown is shown as far as it can. */
export function createLog(options: LogOptions): HostLog {
  const redactor = new Redactor();
  const now = options.now ?? Date.now;
  const output = options.output ?? consoleOutput();
  const privacy: Privacy = { mask: options.maskNumbers, redact: (text) => redactor.redact(text) };
  const render = options.format === 'json' ? renderJson : options.colour ? renderColoured : renderText;
  const logger = winston.createLogger({
    levels,
    level: options.level,
    format: winston.format.printf((info) => String(info.message)),
    transports: [output.transport],
    exitOnError: false,
  });
  let dropped = 0;

  const put = (level: LogLevel, event: string, text: string, fields: Readonly<Record<string, unknown>>): void => {
    const entry = {
      time: now(),
      level,
      event,
      text: plainField('text', text, privacy),
      fields: plainFields(fields, privacy),
    };
    const prefix = options.journal ? `<${priorities[level]}>` : '';
    // Once more over the whole line, for names of fields.
    logger.log({ level, message: prefix + privacy.redact(render(entry)) });
  };
  return {
    write(level, event, text, fields = {}) {
      if (!logger.isLevelEnabled(level)) return;
      if (levels[level] > levels.warn && output.backlog() > MAX_BACKLOG_BYTES) {
        dropped += 1;
        return;
      }
      if (dropped > 0) {
        const count = dropped;
        dropped = 0;
        put('warn', 'log-entries-dropped', `${count} log entries were left out because nobody read the log`, { count });
      }
      put(level, event, text, fields);
    },
    hide: (secret) => redactor.hide(secret),
    setLevel(level) {
      logger.level = level;
    },
    flush: () => output.flush(),
  };
}

/** Everything goes to standard output. A reader that went away (`| head`) must not end the daemon. */
function consoleOutput(): LogOutput {
  const { stdout } = process;
  if (!stdout.listeners('error').includes(ignore)) stdout.on('error', ignore);
  return {
    transport: new winston.transports.Console({ stderrLevels: [] }),
    backlog: () => stdout.writableLength,
    flush: () => new Promise((resolve) => stdout.write('', () => resolve())),
  };
}

function ignore(): void {}

function plainFields(fields: Readonly<Record<string, unknown>>, privacy: Privacy): Record<string, Plain> {
  const plain: Record<string, Plain> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) plain[reserved.has(key) ? `_${key}` : key] = plainField(key, value, privacy);
  }
  return plain;
}

function plainField(key: string, value: unknown, privacy: Privacy): Plain {
  try {
    return plainValue(key, value, privacy);
  } catch {
    return '[not readable]';
  }
}

function renderJson({ time, level, event, text, fields }: Entry): string {
  const line = JSON.stringify({ time: new Date(time).toISOString(), level, event, text, ...fields });
  return visible(line);
}

function renderText(entry: Entry): string {
  return visible(`${clockTime(entry.time)} ${words[entry.level]} ${entry.text}${tail(entry)}`);
}

function renderColoured(entry: Entry): string {
  const colour = colours[entry.level];
  const word = `\u001b[${colour}m${words[entry.level]}\u001b[0m`;
  const time = `\u001b[90m${clockTime(entry.time)}\u001b[0m`;
  return `${time} ${word} ${visible(String(entry.text))}\u001b[90m${visible(tail(entry))}\u001b[0m`;
}

/** ` [event] key=value key="value with blanks"`. */
function tail({ event, fields }: Entry): string {
  const pairs = Object.entries(fields).map(([key, value]) => {
    const bare = typeof value === 'string' && /^[^\s"=]+$/.test(value);
    return ` ${key}=${bare ? value : JSON.stringify(value)}`;
  });
  return ` [${event}]${pairs.join('')}`;
}

/** Local time of day, for a person at a terminal. */
function clockTime(time: number): string {
  const date = new Date(time);
  const two = (value: number): string => String(value).padStart(2, '0');
  const ms = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}
