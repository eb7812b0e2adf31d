/** Lines of mod_cdr_csv that are at hand. */
import { type CdrLeg, legEvents } from '../../cdr/leg.ts';
import { SkipTally } from '../skipped.ts';
import { CsvLegs } from './legs.ts';
import { decoded } from './lines.ts';
import { localTimes } from './local-time.ts';
import { RowReader } from './rows.ts';
import { KNOWN_TEMPLATES } from './template.ts';

/**
 * The legs in the content of a file of mod_cdr_csv, by the templates that are known; local times are those of this machine. `null` when
 * no line is of such a template. Lines that are cut off are left out.
 */
export function csvLegs(name: string, content: Uint8Array, source: string): CdrLeg[] | null {
  const reader = new RowReader({ templates: KNOWN_TEMPLATES, zone: localTimes(null) }, name, new SkipTally());
  const held = new CsvLegs();
  let known = false;
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(10, at);
    const line = bytes.subarray(at, end < 0 ? bytes.length : end);
    for (const row of reader.take(decoded(line))) {
      held.take(row);
      known = true;
    }
    at += line.length + 1;
  }
  for (const row of reader.end()) held.take(row);
  return known ? [...held.ready(true)].map(({ body }) => legEvents(body, name, source)) : null;
}
