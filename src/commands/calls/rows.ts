/** Calls as lines of a table, page by page: a column grows where a later page needs more room. */
import type { CallRow } from '../../../adapters/sqlite/sessions/list.ts';
import type { Terminal } from '../../cli/cli.ts';
import type { DeliveryState } from '../../delivery/states.ts';
import { columns, cut, external, type Privacy, print, type Times, type Tone } from '../output.ts';
import { wrap } from '../print/width.ts';

const HEADER = ['DIRECTION', 'STATUS', 'NUMBER', 'AGENT', 'SEC', 'DELIVERY'];
const RIGHT = [5];
const REASON_WIDTH = 110;
/** A reason gets no less, or stands with the id in a line of its own. */
const LEAST_REASON = 30;
/** For names that a PBX made up. */
const NAME_WIDTH = 24;

/** What needs somebody, what does not go as it should, what is left out. */
const TONES: Readonly<Partial<Record<DeliveryState, Tone>>> = {
  parked: 'bad',
  uncertain: 'doubt',
  retrying: 'doubt',
  skipped: 'quiet',
};

/** Prints rows below those printed before. On a narrow screen a call takes two lines, so that its id stays whole. */
export function callTable(
  terminal: Terminal,
  secrecy: Privacy,
  times: Times,
): (rows: readonly Omit<CallRow, 'tries' | 'deliveredAt'>[]) => void {
  const widths: number[] = [];
  const screen = terminal.size?.columns ?? Number.POSITIVE_INFINITY;
  let narrow: boolean | null = null;
  return (rows) => {
    const [first] = rows;
    if (first === undefined) return;
    const zone = times.zone(first.record.startedAt);
    const table = rows.map((row) => cells(row, secrecy, times));
    const ids = rows.map(({ record }) => record.callSessionId);
    const reasons = rows.map(({ code, reason }) =>
      cut(secrecy.text([code, reason].filter(Boolean).join(': ')), REASON_WIDTH),
    );
    const isFirst = narrow === null;
    narrow ??= columns([...table.map((row, at) => [...row, ids[at] ?? ''])], RIGHT).some(
      (line) => line.length + LEAST_REASON > screen,
    );
    if (isFirst) {
      // The name of the zone has no room on a narrow screen.
      table.unshift([`TIME (${narrow ? (zone.split(', ').at(-1) ?? zone) : zone})`, ...HEADER]);
      ids.unshift('CALL');
      reasons.unshift('REASON');
    }
    const tones = [
      ...(isFirst ? [undefined] : []),
      ...rows.map(({ state }) => (state === null ? undefined : TONES[state])),
    ];
    if (narrow) {
      columns(table, RIGHT, widths).forEach((line, at) => {
        print(terminal, line, tones[at]);
        for (const more of wrap(`    ${ids[at]}  ${reasons[at]}`.trimEnd(), screen, 6))
          print(terminal, more, tones[at]);
      });
      return;
    }
    for (const [at, row] of table.entries()) {
      row.push(ids[at] ?? '', reasons[at] ?? '');
      // Widths of all come first.
      if (at === 0)
        columns(
          table.map((one, n) => [...one.slice(0, HEADER.length + 1), ids[n] ?? '']),
          RIGHT,
          widths,
        );
    }
    table.forEach((row, at) => {
      for (const line of columns([row], RIGHT, widths, screen)) print(terminal, line, tones[at]);
    });
  };
}

function cells({ record, state }: Pick<CallRow, 'record' | 'state'>, secrecy: Privacy, times: Times): string[] {
  return [
    times.dateTime(record.startedAt),
    record.direction.toLowerCase(),
    record.status,
    cut(external(record, secrecy), NAME_WIDTH),
    cut(record.agent ?? '-', NAME_WIDTH),
    String(record.durationSeconds),
    state ?? '-',
  ];
}
