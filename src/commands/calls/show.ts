/** One call for people: what happened, what is on record, who it belongs to, and every attempt to post it. */
import type { CallDetails } from '../../../adapters/control/api.ts';
import type { Config } from '../../../config/schema.ts';
import type { CallRecord, Reason } from '../../call/record.ts';
import { channelIdOf, timelineOf } from '../../call/timeline.ts';
import { planOf } from '../../daemon/settings.ts';
import type { CallLogBody } from '../../delivery/crm.ts';
import { remedyOf, replayCommand } from '../../delivery/parked/reasons.ts';
import type { Attempt } from '../../delivery/store.ts';
import { columns, cut, external, type Privacy, type Times, timesOf } from '../output.ts';
import { gapLine } from '../records/gap-line.ts';

const ANSWER_WIDTH = 300;
/** Of the lines of a section. */
const INDENT = 2;

/** How a call is shown. */
export interface View {
  readonly secrecy: Privacy;
  readonly times: Times;
  /** Columns of the screen; infinite where there is none. */
  readonly width: number;
}

/** For a file or a pipe, in local time. */
export const plainView = (secrecy: Privacy): View => ({
  secrecy,
  times: timesOf(false),
  width: Number.POSITIVE_INFINITY,
});

export function showCall(config: Config, call: CallDetails, view: View, withBody: boolean): readonly string[] {
  const { secrecy, times } = view;
  const zone = times.zone(call.record.startedAt);
  return [
    headline(call.record, view),
    deliveryLine(call, view),
    ...remedy(call),
    ...section(`Course (${zone}; channel at the end)`, course(config, call, view)),
    ...section('Record', record(call, view)),
    ...section('Why (rule: fact)', reasons(call.record, view)),
    ...section('Belongs to', people(call)),
    ...section('Attempts', attempts(call.attempts, view)),
    ...(withBody ? section(...bodyOf(config, call, secrecy)) : []),
  ];
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return ['', title, ...lines.map((line) => `  ${line}`)];
}

/** A call in one line. */
export function headline(call: CallRecord, { secrecy, times }: View): string {
  const outside = external(call, secrecy);
  const agent = call.agent ?? 'nobody';
  const [from, to] = call.direction === 'Inbound' ? [outside, agent] : [agent, outside];
  const who = call.direction === 'Internal' ? (call.agentsRung[0] ?? '-') : to;
  return `${call.direction} ${call.status}: ${from} -> ${who}   ${times.dateTime(call.startedAt)}   ${call.callSessionId}`;
}

function deliveryLine({ delivery }: CallDetails, { secrecy, times }: View): string {
  if (delivery === null) return 'Not in the outbox: it is not to be posted.';
  const { state, reason, deliveredAt, activityId, dueAt } = delivery;
  const parts = [
    state.toUpperCase(),
    state === 'delivered' && deliveredAt !== null ? times.dateTime(deliveredAt) : null,
    state === 'delivered' && activityId !== null ? `activity ${activityId}` : null,
    state === 'retrying' || state === 'uncertain' ? `next try not before ${times.dateTime(dueAt)}` : null,
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

function course(
  config: Config,
  { record: { source }, events }: CallDetails,
  { secrecy, times }: View,
): readonly string[] {
  const pbx = config.source.find(({ name }) => name === source);
  if (pbx === undefined) return [`The config has no source "${source}" any more, so its channels cannot be named.`];
  const lines = timelineOf(events, planOf(pbx), (number) => secrecy.number(number));
  if (lines.length === 0) return ['The journal has nothing of this call any more ([storage] retention.journal).'];
  return columns(lines.map(({ at, who, what, channel }) => [times.clockTime(at), who, cut(what, 90), channel ?? '']));
}

function record({ record: call, revision, gaps }: CallDetails, { secrecy, times, width }: View): readonly string[] {
  const talks = call.agentsTalked.map(({ ext, from, to }) => `${ext} ${times.clockTime(from)}-${times.clockTime(to)}`);
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
    ['began', times.dateTime(call.startedAt)],
    ['answered', call.answeredAt === null ? 'no' : times.dateTime(call.answeredAt)],
    ['ended', times.dateTime(call.endedAt)],
    ['end not heard', endBetween(call, times)],
    [
      'seconds',
      `${call.durationSeconds} connected, ${call.talkSeconds} talk, ${call.ringSeconds} ring, ${call.holdSeconds} hold`,
    ],
    ['recording', call.recordings.map((file) => secrecy.text(file)).join(', ') || null],
    ['cause', cause.filter((part) => part !== null).join(', ') || null],
    ['not known', call.flags.join(', ') || null],
    ...gaps.map((gap) => ['not heard', gapLine(gap, gap.endedAt ?? call.endedAt, times)] as const),
    ['facts', revision === 1 ? null : `changed ${revision - 1} times since they were first stored`],
  ];
  return columns(
    rows.flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
    [],
    [],
    width - INDENT,
  );
}

/** `null` where the end was heard, or nothing more is known of it. */
function endBetween({ endBetween: span }: CallRecord, times: Times): string | null {
  if (span == null) return null;
  const lived = `known to live until ${times.clockTime(span.from)}`;
  return span.to === null ? `${lived}; ended later` : `${lived}; over by ${times.dateTime(span.to)}`;
}

/** Which rule and which fact decided, and what weaker rules would have said. */
function reasons({ reasons: why, withheld }: CallRecord, { secrecy, width }: View): readonly string[] {
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
    [],
    [],
    width - INDENT,
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

function attempts(list: readonly Attempt[], { secrecy, times }: View): readonly string[] {
  if (list.length === 0) return ['None.'];
  const rows = columns(
    list.map(({ number, step, trigger, startedAt, permitWaitMs, result }) => [
      `#${number}`,
      step === 'post' ? `post (${trigger})` : step,
      times.dateTime(startedAt),
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
