/** Long lists of values in statements. */
import type { Row } from '../../../database/port.ts';

/** Values in one statement. */
const AT_ONCE = 300;

/** Asks for a part of the values at a time. */
export async function inParts(
  values: readonly string[],
  ask: (part: readonly string[]) => Promise<readonly Row[]>,
): Promise<Row[]> {
  let rows: Row[] = [];
  for (let at = 0; at < values.length; at += AT_ONCE) rows = rows.concat(await ask(values.slice(at, at + AT_ONCE)));
  return rows;
}

/** Places for the values in a statement. */
export const marks = (values: readonly unknown[]): string => values.map(() => '?').join(', ');
