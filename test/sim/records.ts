/** The PBX's own records in the simulation: they hold all that went on in it, heard or not, up to its last crash in mid-call. */
import type { CallRecords, RecordsPage } from '../../src/records/port.ts';
import type { CallEvent } from '../../src/telephony/call-event.ts';
import { readers } from '../support/recordings.ts';
import type { SimPbx } from './pbx.ts';

/** Copies of recordings in a page. */
const PAGE = 20;

/** The port that fills gaps, on top of what a simulated PBX remembers. */
export function recordsOf(pbx: SimPbx): CallRecords {
  const read = readers[pbx.pbx];
  if (read === undefined) throw new Error(`no reader of ${pbx.pbx}`);
  return {
    name: `the records of ${pbx.pbx}`,
    async *read({ from, to }): AsyncGenerator<RecordsPage> {
      const within = pbx.exchange.placed
        .filter(({ told, copy, template }) => {
          const end = copy.beganAt + (template.times[told - 1] ?? 0);
          return told > 0 && copy.beganAt <= to && end >= from;
        })
        .sort((a, b) => a.copy.beganAt - b.copy.beganAt);
      for (let at = 0; at < within.length; at += PAGE) {
        const part = within.slice(at, at + PAGE);
        const events = part.flatMap(({ told, copy, template }) =>
          Array.from({ length: told }, (_, index): readonly CallEvent[] => {
            const receivedAt = Math.floor(copy.beganAt + (template.times[index] ?? 0) / copy.speed);
            return read(template.frame(index, copy), pbx.pbx, receivedAt);
          }).flat(),
        );
        const last = at + PAGE >= within.length;
        yield { events, upTo: last ? to : (part.at(-1)?.copy.beganAt ?? to), skipped: [] };
      }
    },
    find(calls) {
      const spans = calls.map(({ span }) => span);
      return this.read({
        from: Math.min(...spans.map(({ from }) => from)),
        to: Math.max(...spans.map(({ to }) => to)),
      });
    },
    check: async () => ({ problem: null, hints: [] }),
    close: async () => {},
  };
}
