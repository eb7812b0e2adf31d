/**
 * The PBX's own records alone, as if each recording lay wholly in a gap, against what the telephones saw. The floors are what has been
 * reached: how often each field must be right at least. `npx node test/support/records-alone.ts` says what is wrong where.
 */

import { parse } from 'csv-parse/sync';
import t, { type Test } from 'tap';
import { allScores, type Change, FIELDS, type Kind, type Score, scoreOf, tableOf } from '../support/records-alone.ts';

interface Floor {
  readonly calls: number;
  readonly right: number;
  /** Where a field is not right in all calls. */
  readonly wrong?: Readonly<Record<string, number>>;
  readonly missing?: number;
}

/**
 * Of a call that a crash cut off there is no CDR; of a click-to-call it tells the answer of the agent; of one that went through an IVR
 * that of the IVR; in a conference it names pairs; of a follow-me only the pair that led to the phone.
 */
const FLOORS: Readonly<Record<string, Floor>> = {
  'asterisk-16 cdr': {
    calls: 36,
    right: 32,
    missing: 1,
    wrong: { externalE164: 1, rung: 1, start: 1, answer: 1, end: 1 },
  },
  'asterisk-16 cel': { calls: 36, right: 36 },
  'asterisk-16 both': { calls: 36, right: 36 },
  'asterisk-22 cdr': {
    calls: 104,
    right: 98,
    missing: 1,
    wrong: { externalE164: 1, rung: 1, start: 1, answer: 3, end: 1 },
  },
  'asterisk-22 cel': { calls: 105, right: 105 },
  'asterisk-22 both': { calls: 105, right: 105 },
  'freepbx-17 cdr': { calls: 37, right: 33, wrong: { rung: 1, answer: 3 } },
  'freepbx-17 cel': { calls: 37, right: 37 },
  'freepbx-17 both': { calls: 37, right: 37 },
};

function holds(t: Test, score: Score, floor: Floor | undefined): void {
  const name = `${score.set} ${score.kind}`;
  if (floor === undefined) {
    t.fail(`${name} has no floor`);
    return;
  }
  const told = score.faults.join('\n');
  t.ok(score.calls >= floor.calls, `${name}: ${score.calls} calls, ${floor.calls} at least`);
  t.ok(score.right >= floor.right, `${name}: ${score.right} wholly right, ${floor.right} at least\n${told}`);
  t.ok(score.missing <= (floor.missing ?? 0), `${name}: ${score.missing} missing\n${told}`);
  t.equal(score.extra, 0, `${name}: no call that nobody made`);
  for (const field of FIELDS) {
    const [is, may] = [score.wrong[field] ?? 0, floor.wrong?.[field] ?? 0];
    t.ok(is <= may, `${name}: ${field} wrong in ${is}, ${may} at most\n${told}`);
  }
}

t.test('each PBX by each kind of records', async (t) => {
  const scores = allScores();
  for (const line of tableOf(scores)) t.comment(line);
  t.same(scores.map(({ set, kind }) => `${set} ${kind}`).sort(), Object.keys(FLOORS).sort());
  for (const score of scores) holds(t, score, FLOORS[`${score.set} ${score.kind}`]);
});

type Row = Record<string, string>;

/** Changes the rows of CEL. */
function rows(change: (row: Row) => Row | null): Change {
  return (table, content) => {
    if (table !== 'cel') return content;
    const all: Row[] = parse(content, { columns: true });
    const kept = all.map(change).filter((row) => row !== null);
    const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`;
    const lines = kept.map((row) => Object.values(row).map(quoted).join(','));
    return Buffer.from([Object.keys(all[0] ?? { uniqueid: '', channame: '' }).join(','), ...lines].join('\n'));
  };
}

const NUMBERS = (
  'CHAN_START CHAN_END HANGUP ANSWER APP_START APP_END BRIDGE_ENTER BRIDGE_EXIT PARK_START PARK_END BLINDTRANSFER ' +
  'ATTENDEDTRANSFER USER_DEFINED LINKEDID_END PICKUP FORWARD LOCAL_OPTIMIZE LOCAL_OPTIMIZE_BEGIN STREAM_BEGIN STREAM_END DTMF'
).split(' ');

const seconds = (text: string) => text.replace(/\.\d+$/, '');
const utc = (text: string) => Date.parse(`${text.replace(' ', 'T')}Z`);

/** Where Asterisk keeps local time, the recordings have that of India. */
const INDIA_MS = 19_800_000;

/** What other set-ups write. */
const SETUPS: Readonly<Record<string, Change>> = {
  'whole seconds': rows((row) => ({ ...row, eventtime: seconds(row.eventtime ?? '') })),
  'numbers in place of the names of events': rows((row) => ({
    ...row,
    eventtype: String(NUMBERS.indexOf(row.eventtype ?? '') + 1),
  })),
  'seconds since the epoch': rows((row) => {
    const local = utc(row.eventtime ?? '');
    const born = Number((row.uniqueid ?? '').split('.')[0]) * 1000;
    const at = Math.abs(local - born) > INDIA_MS / 2 ? local - INDIA_MS : local;
    return { ...row, eventtime: (at / 1000).toFixed(6) };
  }),
  'half an hour west of Greenwich': rows((row) => {
    const at = new Date(utc(row.eventtime ?? '') - INDIA_MS * 2);
    return { ...row, eventtime: at.toISOString().replace('T', ' ').replace('Z', '') };
  }),
  'a column that cuts what an event says': rows(({ extra, eventextra, ...row }) => ({
    ...row,
    extra: (extra ?? eventextra ?? '').slice(0, 255),
  })),
  'neither applications nor sounds': rows((row) => (/^(?:APP|STREAM)_|^DTMF/.test(row.eventtype ?? '') ? null : row)),
};

t.test('other set-ups of CEL tell the same', async (t) => {
  for (const [name, change] of Object.entries(SETUPS)) {
    for (const set of ['asterisk-16', 'asterisk-22', 'freepbx-17']) {
      const kind: Kind = 'both';
      const score = scoreOf(set, kind, undefined, change);
      const floor = FLOORS[`${set} ${kind}`]?.right ?? Number.POSITIVE_INFINITY;
      t.ok(score.right >= floor, `${name}, ${set}: ${score.right} right of ${floor}\n${score.faults.join('\n')}`);
      t.equal(score.missing + score.extra, 0, `${name}, ${set}: each call once`);
    }
  }
});
