/** One call for people: what happened, what is on record, who it belongs to, and every attempt to post it. */
import type { CallDetails } from '../../../adapters/control/api.ts';
import type { Config } from '../../../config/schema.ts';
import type { CallRecord, Reason } from '../../call/record.ts';
import { channelIdOf, timelineOf } from '../../call/timeline.ts';
import { planOf } from '../../daemon/settings.ts';
import type { CallLogBody } from '../../delivery/crm.ts';
import { remedyOf, replayCommand } from '../../delivery/parked/reasons.ts';
import type { Attempt } from '../../delivery/store.ts';
import { clockTime, columns, cut, dateTime, external, type Privacy } from '../output.ts';
import { gapLine } from '../records/gap-line.ts';

const ANSWER_WIDTH = 300;

export function showCall(config: Config, call: CallDetails, secrecy: Privacy, withBody: boolean): readonly string[] {
  return [
    headline(call.record, secrecy),
    deliveryLine(call, secrecy),
    ...remedy(call),
    ...section('Course (local time, channel at the end)', course(config, call, secrecy)),
    ...section('Record', record(call, secrecy)),
    ...section('Why (rule: fact)', reasons(call.record, secrecy)),
    ...section('Belongs to', people(call)),
    ...section('Attempts', attempts(call.attempts, secrecy)),
    ...(withBody ? section(...bodyOf(config, call, secrecy)) : []),
  ];
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return ['', title, ...lines.map((line) => `  ${line}`)];
}

/** A call in one line. */
export function headline(call: CallRecord, secrecy: Privacy): string {
  const outside = external(call, secrecy);
  const agent = call.agent ?? 'nobody';
  const [from, to] = call.direction === 'Inbound' ? [outside, agent] : [agent, outside];
  const who = call.direction === 'Internal' ? (call.agentsRung[0] ?? '-') : to;
  return `${call.direction} ${call.status}: ${from} -> ${who}   ${dateTime(call.startedAt)}   ${call.callSessionId}`;
}

function deliveryLine({ delivery }: CallDetails, secrecy: Privacy): string {
  if (delivery === null) return 'Not in the outbox: it is not to be posted.';
  const { state, reason, deliveredAt, activityId, dueAt } = delivery;
  const parts = [
    state.toUpperCase(),
    state === 'delivered' && deliveredAt !== null ? dateTime(deliveredAt) : null,
    state === 'delivered' && activityId !== null ? `activity ${activityId}` : null,
    state === 'retrying' || state === 'uncertain' ? `next try ${dateTime(dueAt)}` : null,
    reason === null ? null : secrecy.text(reason),
  ];
  return parts.filter((part) => part !== null).join('   ');
}

/** What somebody has to do, of a call that waits for it. */
function remedy({ delivery, record }: CallDetails): readonly string[] {
  if (delivery?.state !== 'parked') return [];
  const { what, helps } = remedyOf(delivery.code);
  return columns([
    ['why', `${delivery.code ?? 'other'}: ${what}`],
    ['what helps', helps],
    ['then', replayCommand(delivery.code, record.callSessionId)],
  ]).map((line) => `  ${line}`);
}

function course(config: Config, { record: { source }, events }: CallDetails, secrecy: Privacy): readonly string[] {
  const pbx = config.source.find(({ name }) => name === source);
  if (pbx === undefined) return [`The config has no source "${source}" any more, so its channels cannot be named.`];
  const lines = timelineOf(events, planOf(pbx), (number) => secrecy.number(number));
  if (lines.length === 0) return ['The journal has nothing of this call any more ([storage] retention.journal).'];
  return columns(lines.map(({ at, who, what, channel }) => [clockTime(at), who, cut(what, 90), channel ?? '']));
}

function record({ record: call, revision, gaps }: CallDetails, secrecy: Privacy): readonly string[] {
  const talks = call.agentsTalked.map(({ ext, from, to }) => `${ext} ${clockTime(from)}-${clockTime(to)}`);
  const name = call.externalName === null ? '' : ` "${cut(secrecy.text(call.externalName), 40)}"`;
  const cause = [call.q850 === null ? null : `Q.850 ${call.q850}`, call.sip === null ? null : `SIP ${call.sip}`];
  const rows: readonly (readonly [string, string | null])[] = [
    ['outside', `${external(call, secrecy)}${name}`],
    ['called number', call.didE164 === null && call.did === null ? null : secrecy.number(call.didE164 ?? call.did)],
    ['PBX', `${call.source}${call.trunk === null ? '' : `, trunk ${call.trunk}`}`],
    ['id in the PBX', `${channelIdOf(call)} (linkedid or uuid of its call records)`],
    ['queue', call.queue],
    ['ring group', call.ringGroup],
    ['rung', call.agentsRung.join(', ') || null],
    ['talked', talks.join(', ') || null],
    ['tenant', call.agentDomain],
    ['began', dateTime(call.startedAt)],
    ['answered', call.answeredAt === null ? 'no' : dateTime(call.answeredAt)],
    ['ended', dateTime(call.endedAt)],
    ['end not heard', endBetween(call)],
    [
      'seconds',
      `${call.durationSeconds} connected, ${call.talkSeconds} talk, ${call.ringSeconds} ring, ${call.holdSeconds} hold`,
    ],
    ['recording', call.recordings.map((file) => secrecy.text(file)).join(', ') || null],
    ['cause', cause.filter((part) => part !== null).join(', ') || null],
    ['not known', call.flags.join(', ') || null],
    ...gaps.map((gap) => ['not heard', gapLine(gap, gap.endedAt ?? call.endedAt)] as const),
    ['facts', revision === 1 ? null : `changed ${revision - 1} times since they were first stored`],
  ];
  return columns(rows.flatMap(([key, value]) => (value === null ? [] : [[key, value]])));
}

/** `null` where the end was heard, or nothing more is known of it. */
function endBetween({ endBetween: span }: CallRecord): string | null {
  if (span == null) return null;
  const lived = `known to live until ${clockTime(span.from)}`;
  return span.to === null ? `${lived}; ended later` : `${lived}; over by ${dateTime(span.to)}`;
}

/** Which rule and which fact decided, and what weaker rules would have said. */
function reasons({ reasons: why, withheld }: CallRecord, secrecy: Privacy): readonly string[] {
  if (why === null) return ['Not kept: the call was stored by an earlier version.'];
  const told = (key: string, value: string | null) =>
    value === null ? '-' : key === 'external' && withheld ? 'withheld' : secrecy.text(value);
  return columns(
    (Object.entries(why) as [string, Reason][]).flatMap(([key, { value, rule, fact, rejected }]) => [
      [key, told(key, value), `${rule}: ${cut(secrecy.text(fact), 110)}`],
      ...rejected.map((one): readonly string[] => [
        '',
        '',
        `not ${told(key, one.value)} (${one.rule}: ${cut(secrecy.text(one.fact), 90)})`,
      ]),
    ]),
  );
}

function people({ lead, user }: CallDetails): readonly string[] {
  const line = (what: string, one: CallDetails['lead']): readonly string[] => [
    what,
    one.id === null ? '-' : [one.id, one.name === null ? null : cut(one.name, 40)].filter(Boolean).join('  '),
    one.how,
  ];
  return columns([line('lead', lead), line('user', user)]);
}

function attempts(list: readonly Attempt[], secrecy: Privacy): readonly string[] {
  if (list.length === 0) return ['None.'];
  const rows = columns(
    list.map(({ number, step, trigger, startedAt, permitWaitMs, result }) => [
      `#${number}`,
      step === 'post' ? `post (${trigger})` : step,
      dateTime(startedAt),
      permitWaitMs === null ? '' : `waited ${permitWaitMs} ms`,
      result?.http == null ? '' : `HTTP ${result.http}`,
      result === null ? '' : `${result.durationMs} ms`,
      result === null ? 'no answer on record' : result.outcome,
      cut(secrecy.text(result?.message ?? ''), 100),
    ]),
  );
  return list.flatMap(({ result }, at) => [
    rows[at] ?? '',
    ...(result?.answer == null ? [] : [`    ${cut(secrecy.text(result.answer), ANSWER_WIDTH)}`]),
  ]);
}

function bodyOf(
  config: Config,
  { sent, body, delivery }: CallDetails,
  secrecy: Privacy,
): readonly [string, readonly string[]] {
  const posted = sent !== null && delivery?.state === 'delivered';
  const zone = `(times in ${config.leadsquared.body.time_zone})`;
  const title = posted ? 'Body that was sent' : 'Body as it would be sent now';
  return [`${title} ${zone}`, bodyLines(posted ? sent : body, secrecy)];
}

/** The fields of a body, one a line. */
export function bodyLines(body: CallLogBody, secrecy: Privacy): readonly string[] {
  const value = secrecy.value(body);
  const fields = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return columns(fields.map(([name, field]) => [name, cut(String(field), 200)]));
}
