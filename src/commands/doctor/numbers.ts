/** How numbers of each PBX are read and written: a country that is wrong shows at once. */
import { getExampleNumber, isSupportedCountry } from 'libphonenumber-js/max';
import examples from 'libphonenumber-js/mobile/examples';
import type { Config } from '../../../config/schema.ts';
import { formatNumber, toE164 } from '../../telephony/number.ts';
import { type Finding, ok } from '../check/finding.ts';

/** A number that the numbering plan of the country gives as an example, there and back. */
export function numberFindings({ source, leadsquared: { body, lead } }: Config): Finding[] {
  return source.flatMap(({ name, country }): Finding[] => {
    const about = `numbers of ${name}`;
    const example = isSupportedCountry(country) ? getExampleNumber(country, examples) : undefined;
    if (example === undefined) return [];
    const home = example.formatNational();
    const read = toE164(home, country);
    const posted = read === null ? null : formatNumber(read, body.number_format);
    const looked = lead.lookup_formats.flatMap((format) => (read === null ? [] : (formatNumber(read, format) ?? [])));
    const back = [posted, ...looked].every((text) => text !== null && toE164(text, country) === example.number);
    const text = `${home} on a trunk (${country}) is ${read ?? 'no number'}, posted as ${posted ?? '-'}, looked up as ${looked.join(', ')}`;
    if (back) return [ok(about, text)];
    const expected = `all of these to be ${example.number}: correct country, number_format or lookup_formats`;
    return [{ level: 'warn', about, text: `${text}.`, expected }];
  });
}
