/** A program that ends in the middle of a list, and begins again when the caller has gone: the phones alone tell whose call it was. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { CallTable, DEFAULT_RULES } from '../../../src/call/correlate.ts';
import type { CallRecord } from '../../../src/call/record.ts';
import { captureOf } from '../../../src/capture/file.ts';
import type { RecordedFrame } from '../../../src/inspect.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import { listingAfter } from '../../support/lists.ts';
import { labPlan, readers } from '../../support/recordings.ts';

const ROOT = new URL('../../fixtures/recordings/', import.meta.url);
const DAY_MS = 86_400_000;

/** A frame with the events that it is read as. */
type Heard = RecordedFrame & { readonly events: readonly CallEvent[] };

function framesOf(pbx: string, place: string): Heard[] {
  const path = new URL(place, ROOT).pathname;
  const isEvent = (text: string): boolean =>
    pbx === 'freeswitch'
      ? text.includes('text/event-json')
      : text.startsWith('Event: ') && !/^Event: (?:FullyBooted|CoreShowChannel|Status)/.test(text);
  const read = readers[pbx];
  if (read === undefined) throw new Error(`no reader of ${pbx}`);
  return captureOf(readFileSync(path), path)
    .frames.filter(({ raw }) => isEvent(raw.toString('latin1')))
    .map((frame) => ({ ...frame, events: [...read(frame.raw, pbx, frame.receivedAt)] }));
}

interface Restarts {
  /** After so many frames the list is begun that is cut short. */
  readonly listedAt: number;
  /** So many have been heard when the program ends; `listedAt` where it ends with the list. */
  readonly heardTo?: number;
  /** After so many it is back, and the list is whole. */
  readonly backAt: number;
  /** What the list got to tell: all but the caller, unless it says so. */
  readonly isListed?: (row: Row) => boolean;
}

type Row = Extract<CallEvent, { kind: 'snapshot-channel' }>;

const isPhone = ({ channel, facts }: Row): boolean => channel !== facts.linkedId;

function told(pbx: string, frames: readonly Heard[], restarts: Restarts) {
  const { listedAt, heardTo = listedAt, backAt, isListed = isPhone } = restarts;
  const records: CallRecord[] = [];
  const shown = new Set<string>();
  const table = new CallTable(pbx, labPlan(pbx), DEFAULT_RULES);
  const put = (event: CallEvent): void => void records.push(...table.apply(event).ended);
  const begins = (at: number, isWhole: boolean): void => {
    const receivedAt = (frames[at - 1]?.receivedAt ?? 0) + 1;
    const stamp = { source: pbx, at: receivedAt, receivedAt };
    put({ ...stamp, kind: 'source-lost', orderly: false, reason: 'the program had ended' });
    put({ ...stamp, kind: 'source-connected', boot: null, bootedAt: null });
    for (const item of listingAfter(pbx, frames.slice(0, at), receivedAt).items) {
      for (const event of item(receivedAt)) {
        if (event.kind !== 'snapshot-channel' || (!isWhole && !isListed(event))) continue;
        const { boot: _, ...row } = event;
        put(row);
        if (!isWhole) shown.add(event.facts.caller.number ?? '');
      }
    }
    if (isWhole) put({ ...stamp, kind: 'snapshot-complete' });
  };
  const hear = (from: number, to?: number): void => {
    for (const { events } of frames.slice(from, to)) for (const event of events) put(event);
  };
  begins(listedAt, false);
  hear(listedAt, heardTo);
  begins(backAt, true);
  hear(backAt);
  records.push(...table.advance((frames.at(-1)?.receivedAt ?? 0) + 2 * DAY_MS).ended);
  return { records, shown };
}

for (const [pbx, place] of [
  ['freeswitch', 'freeswitch-1.11/in_answered_caller_hangup/events.jsonl.gz'],
  ['freeswitch', 'freeswitch-1.11/ringgroup_second_answers/events.jsonl.gz'],
  ['freeswitch', 'freeswitch-1.11/queue_answered/events.jsonl.gz'],
  ['asterisk', 'asterisk-22/ringgroup_second_answers/events-filtered.jsonl.gz'],
  ['asterisk', 'asterisk-22/queue_answered/events-filtered.jsonl.gz'],
  ['asterisk', 'asterisk-22/anonymous_caller/events-filtered.jsonl.gz'],
  ['freeswitch', 'freeswitch-1.11/anonymous/events.jsonl.gz'],
] as const) {
  t.test(place, async (t) => {
    const frames = framesOf(pbx, place);
    const { records: whole } = told(pbx, frames, { listedAt: 0, backAt: 0 });
    const call = whole.find(({ direction }) => direction === 'Inbound');
    if (call === undefined) throw new Error('the recording is of no call from outside');
    let [compared, answered] = [0, 0];
    for (let listedAt = 1; listedAt < frames.length; listedAt += 1) {
      for (let backAt = listedAt; backAt <= frames.length; backAt += 1) {
        const { records, shown } = told(pbx, frames, { listedAt, backAt });
        const own = records.find(({ callSessionId }) => callSessionId === call.callSessionId);
        if (own === undefined || !shown.has(call.external ?? '')) continue;
        compared += 1;
        if (own.status === 'Answered') answered += 1;
        const where = `listed after ${listedAt} frames, again after ${backAt}`;
        t.match(own, { direction: 'Inbound', externalE164: call.externalE164 }, where);
        t.ok(own.trunk === null || own.trunk === call.trunk, where);
      }
    }
    t.ok(compared > 50 && answered > 10, `${compared} calls without their caller, ${answered} answered`);
  });
}

t.test('a phone that lost the race, of all of a call that was heard', async (t) => {
  const frames = framesOf('freeswitch', 'freeswitch-1.11/ringgroup_second_answers/events.jsonl.gz');
  const names = frames.map(({ raw }) => Buffer.from(raw).toString('latin1'));
  const lost = names.findIndex((text) => text.includes('"CHANNEL_HANGUP_COMPLETE"') && text.includes('LOSE_RACE'));
  const begun = names.findIndex((text) => text.includes('"CHANNEL_PROGRESS"'));
  t.ok(begun > 0 && lost > begun);
  const loser = /"Unique-ID":"([^"]+)"/.exec(names[lost] ?? '')?.[1];
  const { records } = told('freeswitch', frames, {
    listedAt: begun,
    heardTo: lost + 1,
    backAt: frames.length,
    isListed: ({ channel }) => channel === loser,
  });
  const [whole] = told('freeswitch', frames, { listedAt: 0, backAt: 0 }).records;
  const [record, ...others] = records;
  t.same(others, []);
  // Another phone took it, nobody knows which one, nor until when they talked.
  t.match(record, {
    callSessionId: whole?.callSessionId,
    direction: 'Inbound',
    externalE164: whole?.externalE164,
    status: 'Answered',
    agent: null,
    responsible: null,
    talkSeconds: 0,
    endBetween: { from: record?.answeredAt, to: null },
    reasons: { status: { rule: 'taken-by-a-phone-not-heard' }, agent: { rule: 'phone-not-heard' } },
  });
  t.ok(record?.flags.includes('end-unknown'));
  const off = Math.abs((record?.answeredAt ?? 0) - (whole?.answeredAt ?? 0));
  t.ok(off < 1000, `answered ${off} ms beside the answer`);
});
