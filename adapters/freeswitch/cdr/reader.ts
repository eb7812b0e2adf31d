/**
 * Files of mod_json_cdr as call events, for calls that nobody heard. There is one file for each leg, written at its end, whose
 * variables are those of CHANNEL_HANGUP_COMPLETE: the same reader serves both.
 *
 * A file is one leg's `<uuid>.cdr.json` as FreeSWITCH writes it, or many of them, one a line as `{"file", "bodyBase64"}` (the
 * exact bytes) or as the JSON itself. Files of mod_cdr_csv are read, too, for what they hold (`records/csv/legs.ts`).
 */
import type { CdrReader } from '../../../src/call/cdr/backfill.ts';
import { csvLegs } from '../records/csv/content.ts';
import { eventsOfLegs } from './call.ts';
import { type CdrLeg, legEvents } from './leg.ts';

/** Reads files of mod_json_cdr; see `CdrReader`. */
export const readFreeswitchCdr: CdrReader = (files, source, during) => {
  const legs = new Map<string, CdrLeg>();
  const recorded = new Set<string>();
  for (const { name, content } of files) {
    for (const leg of legsIn(name, content, source)) {
      if (leg.endedAt >= during.from && leg.startedAt <= during.to) legs.set(leg.channel, leg);
      recorded.add(leg.channel);
    }
  }
  return eventsOfLegs([...legs.values()], source, (channel) => recorded.has(channel));
};

function legsIn(name: string, content: Uint8Array, source: string): readonly CdrLeg[] {
  const isJson = /^(?:\uFEFF|\s)*(?:\{|$)/.test(Buffer.from(content.subarray(0, 1000)).toString('utf8'));
  const rows = isJson ? null : csvLegs(name, content, source);
  return rows ?? bodiesIn(name, content).map(({ body, place }) => legEvents(body, place, source));
}

interface Body {
  readonly body: unknown;
  readonly place: string;
}

/** Names may be in other encodings than UTF-8, so bytes are decoded with replacement. */
function bodiesIn(file: string, content: Uint8Array): Body[] {
  const text = Buffer.from(content)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
  if (text.trim() === '') return [];
  if (!/^\s*\{/.test(text)) {
    throw new Error(
      `${file}: line 1: is not JSON; for FreeSWITCH give the files of mod_json_cdr, or of mod_cdr_csv by a template that it ships.`,
    );
  }
  const whole = parsed(text);
  if (whole !== undefined) return [unwrapped(whole, file)];
  return text.split('\n').flatMap((line, index): Body[] => {
    if (line.trim() === '') return [];
    const place = `${file}: line ${index + 1}`;
    const value = parsed(line);
    if (value === undefined)
      throw new Error(`${place}: is not valid JSON; was the file cut off? Copy it again from the PBX.`);
    return [unwrapped(value, place)];
  });
}

function unwrapped(value: unknown, place: string): Body {
  if (typeof value !== 'object' || value === null || !('bodyBase64' in value)) return { body: value, place };
  const packed = value.bodyBase64;
  const body = typeof packed === 'string' ? parsed(Buffer.from(packed, 'base64').toString('utf8')) : undefined;
  if (body === undefined)
    throw new Error(`${place}: its "bodyBase64" holds no valid JSON; was the file cut off? Copy it again.`);
  return { body, place };
}

/** `undefined` when the text is not JSON; the parser's own message would quote numbers. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
