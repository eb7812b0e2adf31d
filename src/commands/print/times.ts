/** Points in time for people, and in which zone they are told. By hand: the first use of a locale costs more than all of `status`. */
import { readFileSync } from 'node:fs';

export interface Times {
  readonly utc: boolean;
  /** `2026-11-22 14:14:22`; where the zone has another offset at that moment than `zone` tells, with it: `... +02:00`. */
  dateTime(ms: number): string;
  /** `14:14:22.104`. */
  clockTime(ms: number): string;
  /** `IST, UTC+05:30`, `UTC`: in which zone times are told, as its clocks were set at the first moment that was told. */
  zone(at: number): string;
}

/** Of the machine, or `UTC`. */
export function timesOf(utc: boolean): Times {
  let told: number | null = null;
  const offsetAt = (ms: number): number => (utc ? 0 : -new Date(ms).getTimezoneOffset());
  return {
    utc,
    dateTime(ms) {
      const offset = offsetAt(ms);
      told ??= offset;
      const text = dateTime(ms, utc);
      return offset === told ? text : `${text} ${offsetText(offset)}`;
    },
    clockTime: (ms) => clockTime(ms, utc),
    zone(at) {
      told ??= offsetAt(at);
      const name = utc ? 'UTC' : abbreviation(told);
      if (name === 'UTC') return name;
      return name === null ? `UTC${offsetText(told)}` : `${name}, UTC${offsetText(told)}`;
    },
  };
}

/** `2026-11-22 14:14:22`, local or UTC. */
export function dateTime(ms: number, utc = false): string {
  const [year, month, day, ...time] = parts(ms, utc);
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)} ${time.slice(0, 3).map(two).join(':')}`;
}

/** `14:14:22.104`, local or UTC. */
export function clockTime(ms: number, utc = false): string {
  const [, , , hour, minute, second, part] = parts(ms, utc);
  return `${[hour, minute, second].map(two).join(':')}.${String(part).padStart(3, '0')}`;
}

function parts(ms: number, utc: boolean): [number, number, number, number, number, number, number] {
  // Shifted so that the parts of UTC are those of the clock on the wall.
  const at = utc ? ms : ms - new Date(ms).getTimezoneOffset() * 60_000;
  const date = new Date(at);
  return [
    ...([date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()] as const),
    ...([date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds(), date.getUTCMilliseconds()] as const),
  ];
}

const two = (value: number): string => String(value).padStart(2, '0');

/** `330` to `+05:30`. */
function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/**
 * What people call the zone with this offset (minutes east), of the rule at the end of the machine's zone file: `CET-1CEST,...`
 * (RFC 8536, footer; signs are those of POSIX, west is positive). `null`: the zone has no name, or had another offset then.
 */
function abbreviation(offset: number): string | null {
  const [, standard = '', west = '', summer] = /^([A-Za-z]+)([+-]?\d+(?::\d+)?)([A-Za-z]+)?/.exec(zoneRule()) ?? [];
  if (standard === '') return null;
  const [hours = 0, minutes = 0] = west.split(':').map(Number);
  const usual = -(hours * 60 + (west.startsWith('-') ? -minutes : minutes));
  if (offset === usual) return standard;
  return summer !== undefined && offset === usual + 60 ? summer : null;
}

/** `''`: there is no file to tell. */
function zoneRule(): string {
  const { TZ = '' } = process.env;
  const name = TZ.replace(/^:/, '');
  if (name.includes('..')) return '';
  const file = name === '' ? '/etc/localtime' : name.startsWith('/') ? name : `/usr/share/zoneinfo/${name}`;
  try {
    return readFileSync(file, 'latin1').trimEnd().split('\n').at(-1) ?? '';
  } catch {
    return '';
  }
}
