/** Whether the records of a PBX can be read is told by all who read them, and none of them hides what another found. */
import t from 'tap';
import { DEFAULT_RULES } from '../../src/call/correlate.ts';
import { openRecords, type RecordsParts } from '../../src/daemon/records.ts';
import { createConditions } from '../../src/health/conditions.ts';
import type { Gap } from '../../src/records/gaps.ts';
import { SAME_TIME } from '../../src/records/pbx-time.ts';
import { type CallRecords, RecordsError } from '../../src/records/port.ts';
import { FakeClock } from '../adapters/asterisk/support.ts';
import { labPlan } from '../support/recordings.ts';

const MINUTE = 60_000;

t.test(
  'older records that a gap needs cannot be read, the newest can: told once, until the gap is filled',
  async (t) => {
    const clock = new FakeClock();
    const start = clock.now();
    const log: string[] = [];
    const conditions = createConditions({ write: (level, event, text) => log.push(`${level} ${event} ${text}`) });
    const gap = {
      ...{
        id: 1,
        source: 'pbx',
        beganAt: start - 60 * MINUTE,
        endedAt: start - 50 * MINUTE,
        listedAt: null,
        reason: '',
      },
      ...{ live: 0, state: 'waiting', filledTo: {}, created: 0, completed: 0, skipped: 0, note: null, settledAt: null },
    } satisfies Gap;
    let waiting: readonly Gap[] = [gap];
    let away = true;
    const reads = { old: 0, newest: 0 };
    const place: CallRecords = {
      name: 'Master.csv',
      async *read({ from, to }) {
        if (from < start) reads.old += 1;
        else reads.newest += 1;
        if (from < start && away) throw new RecordsError('Master.csv.1 cannot be read: EACCES.');
        yield { events: [], upTo: to, skipped: [] };
      },
      async *find() {},
      check: async () => ({ problem: null, hints: [] }),
      close: async () => {},
    };
    const store = {
      erasures: { covered: async () => [] },
      journal: { firstFrameAt: async () => start },
      sessions: { byIds: async () => [] },
      outbox: { awaiting: async () => [], release: async () => {} },
      gaps: {
        waiting: async () => waiting,
        unchecked: async () => [],
        list: async () => [],
        lastHeard: async () => null,
        progress: async () => {},
        async settle() {
          waiting = [];
          return null;
        },
      },
    };
    const records = openRecords({
      ...{ store, conditions, clock, log: { write: () => {} }, waitMs: 0, callsKeptMs: MINUTE, rules: DEFAULT_RULES },
      sources: [{ name: 'pbx', plan: labPlan('asterisk'), places: [place], recordsAt: [] }],
      pipeline: () => ({
        timeOf: () => SAME_TIME,
        bootedAt: () => null,
        isOpen: () => false,
        settled: async () => true,
      }),
      heardUpTo: () => clock.now(),
      hearing: () => ({ isDeaf: () => false, looked: () => {} }),
      onReleased: () => {},
    } as unknown as RecordsParts);
    const pass = async (ms: number): Promise<void> => {
      for (const end = clock.now() + ms; clock.now() < end; ) {
        clock.advance(MINUTE / 4);
        for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const told = () => conditions.raised().map(({ code }) => code);
    records.filling.start();
    records.audit.start();
    await pass(MINUTE);
    t.same(told(), ['records-unreadable']);
    await pass(60 * MINUTE);
    t.ok(reads.old > 3 && reads.newest > 3, 'both were read meanwhile');
    t.same(told(), ['records-unreadable'], 'the gap is not filled yet');
    t.same(log, ['error records-unreadable Master.csv.1 cannot be read: EACCES.'], 'told once');
    away = false;
    await pass(15 * MINUTE);
    t.same(conditions.raised(), []);
    t.equal(log.length, 2);
    await records.close();
  },
);
