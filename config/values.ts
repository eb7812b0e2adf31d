/** Kinds of values used all over the config: durations, patterns, names, addresses. */
import { isIP } from 'node:net';
import { isSupportedCountry } from 'libphonenumber-js/max';
import { z } from 'zod';
import { Secret } from '../src/secret.ts';
import { compilePattern } from '../src/telephony/endpoint.ts';
import { parseDuration } from './duration.ts';

/** A duration in the file, ms in the program. `example`: shown in the remedy. */
export function duration(min: string, max: string, preset: string) {
  const low = parseDuration(min) ?? 0;
  const high = parseDuration(max) ?? 0;
  const expected = `a duration from '${min}' to '${max}' (units ms, s, m, h, d, w)`;
  return z
    .string({ error: expected })
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms !== null && ms >= low && ms <= high) return ms;
      context.addIssue({ code: 'custom', message: expected });
      return z.NEVER;
    })
    .prefault(preset);
}

/** The same without a default: absent means `null`. */
export function optionalDuration(min: string, max: string) {
  return duration(min, max, min).unwrap().nullable().default(null);
}

const unitBytes: Readonly<Record<string, number>> = { kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** An amount of storage in the file (`'512MB'`, powers of ten), bytes in the program. */
export function size(preset: string) {
  const expected = "an amount of storage such as '512MB' (units kB, MB, GB, TB)";
  return z
    .string({ error: expected })
    .transform((text, context) => {
      const form = /^(\d+(?:\.\d+)?)(kB|MB|GB|TB)$/.exec(text.trim());
      const unit = unitBytes[form?.[2] ?? ''];
      if (form !== null && unit !== undefined) return Math.round(Number(form[1]) * unit);
      context.addIssue({ code: 'custom', message: expected });
      return z.NEVER;
    })
    .prefault(preset);
}

/** Plain text that is not empty. */
export function text(what: string) {
  return z.string({ error: what }).trim().min(1, { error: what });
}

/** Absent means `null`. */
export function optional<T extends z.ZodType>(schema: T) {
  return schema.nullable().default(null);
}

/** Whole number within bounds. */
export function whole(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  return z.int({ error: expected }).min(min, { error: expected }).max(max, { error: expected });
}

/** true or false. */
export const flag = z.boolean({ error: 'true or false (without quotes)' });

/** One of a few words. */
export function choice<const T extends readonly [string, ...string[]]>(words: T) {
  return z.enum(words, { error: `one of ${words.map((word) => `'${word}'`).join(', ')}` });
}

const LOOPBACK_EXPECTED =
  "an address of the loopback interface with a port, e.g. '127.0.0.1:9469' (what other machines ask goes through a proxy with TLS)";

/** A host and nothing else: with an address of the web, what it is logged in with would be shown wherever the host is. */
export function host(what: string) {
  const error = `${what}, without a scheme, a login or a path (a port has a key of its own, an IPv6 address no brackets)`;
  return text(what).refine((value) => isIP(value) === 6 || /^[^\s:/@?#'"[\]]+$/.test(value), { error });
}

export const port = whole(1, 65_535);

/** Address and port of this machine's loopback interface, `'127.0.0.1:9469'`. */
export const loopback = z.string({ error: LOOPBACK_EXPECTED }).transform((text, context) => {
  const [, name = '', digits = ''] =
    /^(127\.(?:\d{1,3}\.){2}\d{1,3}|\[::1\]|localhost):(\d{1,5})$/.exec(text.trim()) ?? [];
  const [host, number] = [name.replace(/[[\]]/g, ''), Number(digits)];
  if ((isIP(host) !== 0 || host === 'localhost') && number >= 1 && number <= 65_535) return { host, port: number };
  context.addIssue({ code: 'custom', message: LOOPBACK_EXPECTED });
  return z.NEVER;
});

/** ISO 3166 code of a country whose numbering plan is known. */
export const country = z
  .string({ error: "a country code of two capital letters, e.g. 'IN'" })
  .refine(isSupportedCountry, { error: "a country code of two capital letters, e.g. 'IN'" });

/** Glob or /regex/ of `src/telephony/endpoint.ts`. */
export const pattern = z.string({ error: "a pattern in quotes, e.g. 'PJSIP/{ext}'" }).superRefine((value, context) => {
  try {
    compilePattern(value);
  } catch (error) {
    context.addIssue({ code: 'custom', message: `a valid pattern: ${error instanceof Error ? error.message : ''}` });
  }
});

export const patterns = z.array(pattern, { error: "a list of patterns, e.g. ['PJSIP/{ext}']" });

/** Numbers are compared as they stand, and the PBX writes none with blanks, brackets or hyphens. */
const SPACED = /^\+?(?=.*\d)[\d\s().-]*[\s().-][\d\s().-]*\*?$/;
const isCompared = (value: string): boolean => !SPACED.test(value);
const DIGITS_ALONE = { error: "a number in digits alone, e.g. '+919845012345'" };

/** A number as the PBX writes it, or the name of something else. */
export function compared(what: string) {
  return text(what).refine(isCompared, DIGITS_ALONE);
}

const BEGINNINGS = { error: "a list of texts, e.g. ['+9180411100*']" };

/** A whole value, or a beginning followed by `*`. */
const beginning = text("texts in quotes, e.g. '+9180411100*'").regex(/^[^*]*\*?$/, {
  error: 'a whole value, or its beginning and one * at the end',
});

export const beginnings = z.array(beginning, BEGINNINGS);

/** The same of numbers. */
export const numberBeginnings = z.array(beginning.refine(isCompared, DIGITS_ALONE), BEGINNINGS);

/** File name; made absolute (from the folder of the config file) before it is checked. */
export const file = text('the path of a file');

/** `[source.tls]`, `[source.records.tls]`. */
export const tls = z
  .strictObject({ enabled: flag.default(false), ca_file: optional(file), servername: optional(text('a host name')) })
  .prefault({});

/** The same of a folder. */
export const folder = text('the path of a folder');

/** A time of day in the file, minutes since midnight in the program. */
export function timeOfDay(preset: string) {
  const expected = "a time of day from '00:00' to '23:59'";
  return z
    .string({ error: expected })
    .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, { error: expected })
    .transform((value) => 60 * Number(value.slice(0, 2)) + Number(value.slice(3)))
    .prefault(preset);
}

/** Id of a systemd credential: it becomes a file name. */
export const credential = z
  .string({ error: 'the id of a systemd credential' })
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { error: 'the id of a systemd credential: letters, digits, ".", "_", "-"' });

/** A secret written in the file; refused by `load.ts` unless `allow_inline_secrets` is on. */
export const inlineSecret = optional(text('the secret itself, in quotes').transform((value) => new Secret(value)));

/** Time zone of the IANA database. */
export const timeZone = z.string({ error: "a time zone such as 'UTC' or 'Asia/Kolkata'" }).refine(isTimeZone, {
  error: "a time zone of the IANA database such as 'UTC' or 'Asia/Kolkata'",
});

/** Abbreviations are those of several zones: BST would be that of Dhaka, CST that of Chicago. */
function isTimeZone(name: string): boolean {
  if (/^[a-z]{3}$/i.test(name) && !['UTC', 'GMT'].includes(name.toUpperCase())) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
