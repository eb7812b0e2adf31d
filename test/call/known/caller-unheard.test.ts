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

function framesOf(pbx: string, place: string): RecordedFrame[] {
  const path = new URL(place, ROOT).pathname;
  const isEvent = (text: string): boolean =>
    pbx === 'freeswitch'
      ? text.includes('text/event-json')
      : text.startsWith('Event: ') && !/^Event: (?:FullyBooted|CoreShowChannel|Status)/.test(text);
  return captureOf(readFileSync(path), path).frames.filter(({ raw }) => isEvent(raw.toString('latin1')));
}

function told(pbx: string, frames: readonly RecordedFrame[], listedAt: number, backAt: number) {
  const read = readers[pbx];
  if (read === undefined) throw new Error(`no reader of ${pbx}`);
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
        if (event.kind !== 'snapshot-channel' || (!isWhole && event.channel === event.facts.linkedId)) continue;
        const { boot: _, ...row } = event;
        put(row);
        if (!isWhole) shown.add(event.facts.caller.number ?? '');
      }
    }
    if (isWhole) put({ ...stamp, kind: 'snapshot-complete' });
  };
  begins(listedAt, false);
  begins(backAt, true);
  for (const { raw, receivedAt } of frames.slice(backAt)) for (const event of read(raw, pbx, receivedAt)) put(event);
  records.push(...table.advance((frames.at(-1)?.receivedAt ?? 0) + 2 * DAY_MS).ended);
  return { records, shown };
}

for (const [pbx, place] of [
  ['freeswitch', 'freeswitch-1.11/in_answered_caller_hangup/events.jsonl.gz'],
  ['freeswitch', 'freeswitch-1.11/ringgroup_second_answers/events.jsonl.gz'],
  ['freeswitch', 'freeswitch-1.11/queue_answered/events.jsonl.gz'],
  ['asterisk', 'asterisk-22/ringgroup_second_answers/events-filtered.jsonl.gz'],
  ['asterisk', 'asterisk-22/queue_answered/events-filtered.jsonl.gz'],
] as const) {
  t.test(place, async (t) => {
    const frames = framesOf(pbx, place);
    const { records: whole } = told(pbx, frames, 0, 0);
    const call = whole.find(({ direction }) => direction === 'Inbound');
    if (call === undefined) throw new Error('the recording is of no call from outside');
    let [compared, answered] = [0, 0];
    for (let listedAt = 1; listedAt < frames.length; listedAt += 1) {
      for (let backAt = listedAt; backAt <= frames.length; backAt += 1) {
        const { records, shown } = told(pbx, frames, listedAt, backAt);
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
