/** The page of one call: what happened, why it was judged so, whose it is, and each attempt to post it. */
import type { CallDetails, Decision } from '../../../adapters/control/api.ts';
import type { Topic, Value } from '../../call/explain/account.ts';
import type { LegAccount } from '../../call/explain/legs.ts';
import type { Ladder } from '../../call/ladder.ts';
import { channelIdOf, type TimelineLine } from '../../call/timeline.ts';
import { NOBODY, TITLES } from '../../commands/calls/account-lines.ts';
import { type Explanation, standing } from '../../commands/calls/explanation.ts';
import { external, length } from '../../commands/output.ts';
import { gapLine } from '../../commands/records/gap-line.ts';
import { remedyOf } from '../../delivery/parked/reasons.ts';
import type { Attempt } from '../../delivery/store.ts';
import type { Again } from '../calls/replay.ts';
import { action, callPath, duration, type Html, html, type Look, moment, parties, plain, told } from '../html.ts';
import { ladderPicture } from './ladder.ts';

export interface CallView {
  readonly details: CallDetails;
  readonly ladder: Ladder;
  readonly timeline: readonly TimelineLine[];
  readonly explanation: Explanation;
  readonly remedies: readonly string[];
  /** `null`: it is not to be sent again. */
  readonly again: Again | null;
}

export function callPage(look: Look, view: CallView): Html {
  const { details, ladder, timeline, explanation, remedies, again } = view;
  const { record } = details;
  const { from, to } = parties(look, record);
  return html`<h1><span class="direction ${record.direction}">${record.direction}</span> ${record.status}: <bdi>${from}</bdi> → <bdi>${to}</bdi></h1>
    <p>${moment(look, record.startedAt)}, ${duration(record.durationSeconds)} connected <code>${plain(record.callSessionId)}</code></p>
    ${deliveryCard(look, details, again)}
    <section><h2>Course</h2>${ladderPicture(look, ladder)}${course(look, timeline)}</section>
    <div class="halves"><section><h2>Facts</h2>${facts(look, details)}</section>
    <section><h2>LeadSquared</h2>${people(look, details)}</section></div>
    <section id="why"><h2>Why</h2>
      <p class="quiet">${standing(explanation, 'the config of the running daemon')
        .map((line) => told(look, line))
        .join(' ')}</p>
      ${decisions(look, explanation)}
      ${explanation.account.topics.map((topic) => topicEntry(look, explanation, topic))}
      ${explanation.account.legs.length === 0 ? '' : html`<details><summary>Legs: phone or trunk, and who began them</summary>${explanation.account.legs.map((leg) => legEntry(look, leg))}</details>`}
      ${remedies.length === 0 ? '' : html`<details><summary>If that is wrong</summary><pre tabindex="0" aria-label="Lines to copy">${remedies.map(plain).join('\n')}</pre></details>`}
    </section>
    <section><h2>Attempts</h2>${attempts(look, details.attempts)}</section>`;
}

function deliveryCard(look: Look, { delivery, record }: CallDetails, again: Again | null): Html {
  if (delivery === null) return html`<p class="card">It is not to be posted.</p>`;
  const { state, reason, deliveredAt, activityId, code } = delivery;
  const remedy = state === 'parked' ? remedyOf(code) : null;
  return html`<article class="card ${state === 'delivered' ? 'good' : state === 'parked' ? 'bad' : ''}" id="delivery-of-call">
    <h2><span class="tag ${state}">${state}</span> ${
      state === 'delivered' && deliveredAt !== null ? moment(look, deliveredAt) : ''
    } ${activityId === null ? '' : html`<span class="quiet">activity <code>${plain(activityId)}</code></span>`}</h2>
    ${reason === null ? '' : html`<p>${told(look, reason)}</p>`}
    ${remedy === null ? '' : html`<p><strong>What helps:</strong> ${remedy.helps}.</p>`}
    ${again === null ? '' : againPart(look, again, record.callSessionId, code)}
  </article>`;
}

function againPart(look: Look, { free, force, lines }: Again, id: string, code: string | null): Html {
  const to = callPath(id);
  const button = !force
    ? action(look, '/replay', 'Send again', { id, to })
    : action(look, '/replay', 'Send again without another look', { id, to, force: code ?? '' });
  return html`${lines.map((line) => html`<p>${told(look, line)}</p>`)}
    ${free && force ? html`<p class="problem">Look in LeadSquared first: if the call is there already, this makes a second one of it.</p>` : ''}
    ${free ? html`<div class="actions">${button}</div>` : ''}`;
}

function course(look: Look, lines: readonly TimelineLine[]): Html {
  if (lines.length === 0)
    return html`<p class="quiet">The journal has nothing of this call any more: the picture is drawn from what is stored.</p>`;
  return html`<details><summary>Every event</summary><div class="scroll" tabindex="0" role="region" aria-label="Events of the call"><table>
    <thead><tr><th scope="col">Time</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">Channel</th></tr></thead>
    <tbody>${lines.map(
      ({ at, who, what, channel }) =>
        html`<tr><td>${look.times.clockTime(at)}</td><td>${told(look, who)}</td><td>${told(look, what)}</td><td><code>${plain(channel)}</code></td></tr>`,
    )}</tbody></table></div></details>`;
}

function facts(look: Look, { record: call, gaps, revision }: CallDetails): Html {
  const { secrecy, times } = look;
  const rows: readonly (readonly [string, string | null])[] = [
    ['Outside', `${external(call, secrecy)}${call.externalName === null ? '' : ` "${told(look, call.externalName)}"`}`],
    ['Called number', call.didE164 === null && call.did === null ? null : secrecy.number(call.didE164 ?? call.did)],
    ['PBX', `${plain(call.source)}${call.trunk === null ? '' : `, trunk ${plain(call.trunk)}`}`],
    ['Id in the PBX', plain(channelIdOf(call))],
    ['Queue', call.queue],
    ['Ring group', call.ringGroup],
    ['Rung', call.agentsRung.join(', ') || null],
    ['Tenant', call.agentDomain],
    ['Answered', call.answeredAt === null ? 'no' : times.dateTime(call.answeredAt)],
    ['Ended', times.dateTime(call.endedAt)],
    [
      'Seconds',
      `${call.durationSeconds} connected, ${call.talkSeconds} talk, ${call.ringSeconds} ring, ${call.holdSeconds} hold`,
    ],
    ['Recording', call.recordings.map((file) => secrecy.text(file)).join(', ') || null],
    [
      'Cause',
      [call.q850 === null ? '' : `Q.850 ${call.q850}`, call.sip === null ? '' : `SIP ${call.sip}`]
        .filter(Boolean)
        .join(', ') || null,
    ],
    ['Not known', call.flags.join(', ') || null],
    ...gaps.map((gap) => ['Not heard', gapLine(gap, gap.endedAt ?? call.endedAt, times)] as const),
    ['Facts', revision === 1 ? null : `changed ${revision - 1} times since they were first stored`],
  ];
  return html`<dl>${rows.map(([key, value]) => (value === null ? '' : html`<dt>${key}</dt><dd>${told(look, value)}</dd>`))}</dl>`;
}

function people(look: Look, { lead, user, sent, body, delivery }: CallDetails): Html {
  const posted = sent !== null && delivery?.state === 'delivered';
  const shown = look.secrecy.value(posted ? sent : body);
  const fields = typeof shown === 'object' && shown !== null ? Object.entries(shown) : [];
  const line = ({ id, name, how }: CallDetails['lead']): Html =>
    html`${id === null ? '-' : html`${name === null ? '' : html`${told(look, name)} `}<code>${plain(id)}</code>`} <span class="quiet">${how}</span>`;
  return html`<dl><dt>Lead</dt><dd>${line(lead)}</dd><dt>User</dt><dd>${line(user)}</dd></dl>
    <details><summary>${posted ? 'Body that was sent' : 'Body as it would be sent now'}</summary>
    <dl class="body">${fields.map(([name, value]) => html`<dt>${name}</dt><dd>${plain(String(value))}</dd>`)}</dl></details>`;
}

const NONE: Readonly<Record<string, string>> = NOBODY;

function valueText(look: Look, { account }: Explanation, topic: Topic, value: Value): string {
  if (typeof value === 'number')
    return topic.topic === 'began' ? look.times.dateTime(value) : look.times.clockTime(value);
  if (value !== null) return told(look, value);
  return topic.topic === 'outside number' && account.record.withheld ? 'withheld' : (NONE[topic.topic] ?? '-');
}

function topicEntry(look: Look, explanation: Explanation, topic: Topic): Html {
  const text = (value: Value): string => valueText(look, explanation, topic, value);
  return entry(look, TITLES[topic.topic], text(topic.value), topic, (one) => text(one));
}

type Told = Pick<Topic | Decision, 'rule' | 'fact' | 'notes'> & {
  readonly rejected: readonly { readonly value: Value; readonly rule: string; readonly fact: string }[];
};

function entry(
  look: Look,
  title: string,
  value: string,
  { rule, fact, notes, rejected }: Told,
  text: (v: Value) => string,
): Html {
  return html`<div class="reason"><h3>${title}: ${value}</h3>
    <p>${told(look, fact)} <code>${rule}</code></p>
    ${notes.map((note) => html`<p class="quiet">${told(look, note)}</p>`)}
    ${rejected.map((one) => html`<p class="rejected">Not ${text(one.value)}: ${told(look, one.fact)} <code>${one.rule}</code></p>`)}
  </div>`;
}

/** Lead, user and post: what decided. */
function decisions(look: Look, { why }: Explanation): Html {
  if (why === null) return html``;
  const own =
    (none: string) =>
    (value: Value): string =>
      value === null ? none : told(look, String(value));
  return html`${entry(look, 'Lead', own('none')(why.lead.value), why.lead, own('none'))}
    ${entry(look, 'User', own('none')(why.user.value), why.user, own('none'))}
    ${entry(look, 'Post', own('not to be posted')(why.post.value), why.post, own('not to be posted'))}`;
}

const SIDES = { trunk: 'trunk', extension: 'phone', wire: 'wire' } as const;

function legEntry(look: Look, { channel, endpoint, ext, side, begun }: LegAccount): Html {
  return html`<div class="reason"><h3>${told(look, endpoint)}: ${side.value === 'extension' ? `phone of ${told(look, ext)}` : SIDES[side.value]}</h3>
    <p><code>${plain(channel)}</code></p>
    <p>${told(look, side.fact)} <code>${side.rule}</code></p>
    ${side.rejected.map((one) => html`<p class="rejected">Not a ${SIDES[one.value]}: ${told(look, one.fact)} <code>${one.rule}</code></p>`)}
    <p>It ${begun.value === 'endpoint' ? 'called the PBX' : 'was called by the PBX'}: ${told(look, begun.fact)} <code>${begun.rule}</code></p>
  </div>`;
}

function attempts(look: Look, list: readonly Attempt[]): Html {
  if (list.length === 0) return html`<p class="quiet">None.</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Attempts"><table>
    <thead><tr><th scope="col">#</th><th scope="col">Step</th><th scope="col">Time</th><th scope="col">Waited</th><th scope="col">HTTP</th><th scope="col">Took</th><th scope="col">Outcome</th><th scope="col">Answer</th></tr></thead>
    <tbody>${list.map(
      ({ number, step, trigger, startedAt, permitWaitMs, result }) => html`<tr>
      <td class="number">${number}</td><td>${step === 'post' ? `post (${trigger})` : step}</td><td>${moment(look, startedAt)}</td>
      <td class="number">${permitWaitMs === null ? '' : length(permitWaitMs)}</td><td>${result?.http ?? ''}</td>
      <td class="number">${result === null ? '' : `${result.durationMs} ms`}</td>
      <td>${result === null ? 'no answer on record' : result.outcome}</td>
      <td class="answer">${told(look, result?.message ?? '')}${result?.answer == null ? '' : html`<br><code>${told(look, result.answer)}</code>`}</td>
    </tr>`,
    )}</tbody></table></div>`;
}
