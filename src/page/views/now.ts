/** The first page: is it working, what goes on, what needs somebody. Each part has an id, by which it is sent anew when it changes. */
import { count, length, STANDINGS } from '../../commands/output.ts';
import { gapFacts, lasted } from '../../commands/records/gap-line.ts';
import { allLogged, isWell } from '../../commands/status.ts';
import { NOTICE_CODES } from '../../daemon/notices.ts';
import { isUp } from '../../delivery/health/standing.ts';
import { remedyOf } from '../../delivery/parked/reasons.ts';
import { DELIVERY_STATES } from '../../delivery/states.ts';
import type { Severity } from '../../health/conditions.ts';
import type { SourceStatus } from '../../ports.ts';
import type { Status } from '../ask.ts';
import { answerName } from '../calls/answers.ts';
import { action, type Html, html, type Look, moment, parties, plain, since, told } from '../html.ts';

/** Ids of the parts that change while the page is open. */
export const REGIONS = ['verdict', 'sources', 'live', 'delivery', 'attention'] as const;
export type Region = (typeof REGIONS)[number];

/** Calls that go on, shown at most: the latest. */
const LIVE_SHOWN = 50;

/** `rates`: frames a second of each PBX since the look before. */
export function regionsOf(
  look: Look,
  status: Status,
  rates: ReadonlyMap<string, number>,
): Readonly<Record<Region, Html>> {
  return {
    verdict: verdict(look, status),
    sources: sources(look, status, rates),
    live: live(look, status),
    delivery: delivery(look, status),
    attention: attention(look, status),
  };
}

export function nowPage(regions: Readonly<Record<Region, Html>>, charts: Html): Html {
  return html`<h1 class="unseen">Now</h1>
    ${regions.verdict}
    <div class="halves">${regions.sources}${regions.delivery}</div>
    ${regions.attention}${regions.live}${charts}`;
}

const RANK: Readonly<Record<Severity, number>> = { error: 0, warning: 1, notice: 2 };
const WORDS: Readonly<Record<Severity, string>> = { error: 'Fault', warning: 'Warning', notice: 'Note' };

function verdict(look: Look, status: Status): Html {
  const well = isWell(status);
  const conditions = [...status.conditions].sort(
    (a, b) => RANK[a.severity] - RANK[b.severity] || (a.since ?? 0) - (b.since ?? 0),
  );
  const text = well ? allLogged(status) : 'Something needs attention.';
  return html`<section id="verdict" class="verdict ${well ? 'well' : 'unwell'}" aria-live="polite">
    <h2>${text}</h2>
    <p class="quiet">logcalld ${status.version}${
      status.startedAt === null ? '' : html`, up ${since(look, status.startedAt)}`
    }</p>
    ${
      conditions.length === 0
        ? ''
        : html`<ul class="conditions">${conditions.map(
            (one) => html`<li class="${one.severity}">
              <strong>${WORDS[one.severity]}</strong> ${one.since === null ? '' : html`<span class="quiet">for ${since(look, one.since)}</span>`}
              <p>${told(look, one.text)}</p>
              ${one.lines.length === 0 ? '' : html`<pre tabindex="0" aria-label="Lines to copy">${one.lines.map(plain).join('\n')}</pre>`}
            </li>`,
          )}</ul>`
    }
    ${
      conditions.some(({ code }) => NOTICE_CODES.includes(code))
        ? html`<div class="actions">${action(look, '/acknowledge-notices', 'Take note of what happened to the database')}</div>`
        : ''
    }
  </section>`;
}

function sources(look: Look, { sources: all, gaps }: Status, rates: ReadonlyMap<string, number>): Html {
  return html`<section id="sources"><h2>PBXs</h2>
    ${all.map((source) => {
      const { name, state, problem, callHeardAt } = source;
      const gap = gaps.find((one) => one.source === name);
      const good = isHeard(source);
      return html`<article class="card ${good ? 'good' : 'bad'}">
        <h3>${plain(name)} <span class="state">${good ? 'heard' : source.deaf ? 'deaf' : state}</span></h3>
        ${problem === null ? '' : html`<p>${told(look, problem)}</p>`}
        <dl>
          <dt>${state}</dt><dd>for ${since(look, source.since)}</dd>
          <dt>last heard</dt><dd>${source.lastFrameAt === null ? 'nothing yet' : html`${since(look, source.lastFrameAt)} ago`}</dd>
          <dt>last event of a call</dt><dd>${callHeardAt == null ? 'none yet' : html`${since(look, callHeardAt)} ago`}</dd>
          <dt>events</dt><dd>${rateText(rates.get(name))}</dd>
          ${source.faults === 0 ? '' : html`<dt>left out</dt><dd>${count(source.faults, 'frame')}, see the log</dd>`}
          <dt>last gap</dt><dd>${gap === undefined ? 'none' : html`<a href="/gaps">${gapText(look, gap)}</a>`}</dd>
        </dl>
      </article>`;
    })}
  </section>`;
}

/** One that goes on counts in the browser: what is sent anew is told as of the moment at which the page was opened. */
const gapText = (look: Look, gap: Status['gaps'][number]): Html =>
  html`${gap.endedAt === null ? html`${since(look, gap.beganAt)} so far` : lasted(gap, look.now)} ${told(look, gapFacts(gap, look.times))}`;

const isHeard = ({ state, problem }: SourceStatus): boolean => state === 'connected' && problem === null;

const rateText = (rate: number | undefined): string =>
  rate === undefined ? '-' : `${rate >= 10 ? Math.round(rate) : Math.round(rate * 10) / 10} a second`;

function delivery(look: Look, status: Status): Html {
  const { counts, delivery: now, strangers } = status;
  const { states, oldestWaiting, updatesWaiting } = counts;
  const waiting = states.pending + states.sending + states.retrying + states.uncertain;
  if (now === null) return html`<section id="delivery"><h2>LeadSquared</h2><p>Nothing is posted.</p></section>`;
  const { permits, standing, cause, paused, users } = now;
  const { requests, windowMs } = permits.tuning;
  const up = isUp(standing);
  const good = up && !paused;
  return html`<section id="delivery"><h2>LeadSquared</h2>
    <article class="card ${good ? 'good' : 'bad'}">
      <h3>Posts <span class="state">${paused ? 'paused' : STANDINGS[standing]}</span></h3>
      ${up ? '' : html`<p>${told(look, cause ?? 'no reason given')}</p>`}
      <dl>
        <dt>waiting</dt><dd><a href="/calls?state=waiting">${count(waiting, 'call')}</a>${
          oldestWaiting === null ? '' : html`, the oldest ended ${since(look, oldestWaiting)} ago`
        }</dd>
        ${updatesWaiting === 0 ? '' : html`<dt>late facts</dt><dd>${count(updatesWaiting, 'update')} waiting</dd>`}
        <dt><label for="budget">requests</label></dt>
        <dd><meter id="budget" min="0" max="${requests}" value="${Math.min(permits.used, requests)}">${permits.used}</meter>
          ${permits.used} of ${requests} in ${length(windowMs)}${
            permits.heldMs > 0 ? `, held for ${length(permits.heldMs)} more` : ''
          }; ${permits.usedToday} today</dd>
        <dt>calls</dt><dd>${DELIVERY_STATES.filter((state) => states[state] > 0).map(
          (state) => html`<a class="tag" href="/calls?state=${state}">${states[state]} ${state}</a> `,
        )}</dd>
        <dt>users</dt><dd>${users.fetchedAt === null ? 'not fetched yet' : html`${users.count}, fetched ${moment(look, users.fetchedAt)}`}</dd>
        ${strangers === null ? '' : html`<dt>without a user</dt><dd><a href="/agents">${count(strangers.count, 'extension')}</a> took part in ${count(strangers.calls, 'call')}</dd>`}
      </dl>
      <div class="actions">
        ${paused ? action(look, '/resume', 'Go on posting') : action(look, '/pause', 'Pause posting')}
        ${up ? '' : action(look, '/retry', 'Try LeadSquared now')}
      </div>
    </article>
  </section>`;
}

/** By the reason for which they wait for somebody, and below it by the sentence of each: what LeadSquared answered. */
function attention(look: Look, { counts }: Status): Html {
  const { parked, parkedReasons, states } = counts;
  if (states.parked === 0)
    return html`<section id="attention"><h2>Needs attention</h2><p class="quiet">No call waits for somebody.</p></section>`;
  const fresh = parked.reasons.reduce((sum, one) => sum + one.fresh, 0);
  return html`<section id="attention"><h2>Needs attention</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Parked calls"><table>
      <thead><tr><th scope="col" class="number">Calls</th><th scope="col">Why</th><th scope="col">What helps</th><th scope="col">Then</th></tr></thead>
      ${parked.reasons.map((one) => {
        const own = parkedReasons.filter(({ code }) => (code ?? 'other') === one.code);
        return html`<tbody>${reasonRows(look, one, own)}</tbody>`;
      })}
    </table></div>
    ${fresh === 0 ? '' : html`<div class="actions">${action(look, '/acknowledge', `Take note of ${count(fresh, 'call')}`, { seen: String(fresh) })}</div>`}
  </section>`;
}

/** A row for the reason, and one for each of its sentences where they are several. `own`: the most frequent ones. */
function reasonRows(
  look: Look,
  { code, count: calls }: Status['counts']['parked']['reasons'][number],
  own: Status['counts']['parkedReasons'],
): Html {
  const remedy = remedyOf(code);
  const sentence = ({ reason }: { reason: string }): string => told(look, reason === '' ? 'no reason kept' : reason);
  const address = (more: Readonly<Record<string, string>> = {}): string =>
    `/calls?${new URLSearchParams({ state: 'parked', reason: code, ...more })}`;
  const again = (number: number, fields: Readonly<Record<string, string>>, which: string): Html =>
    remedy.oneByOne === true
      ? html`<a href="${address(fields)}">look at each</a>`
      : action(look, '/replay', number === 1 ? 'Send again' : `Send ${which} ${number} again`, {
          ...{ reason: code, state: 'parked', ...fields },
        });
  const [only] = own;
  const alike = only !== undefined && only.count === calls;
  const beyond = calls - own.reduce((sum, one) => sum + one.count, 0);
  return html`<tr>
      <td class="number"><a href="${address()}">${calls}</a></td>
      <td>${remedy.what} <code>${plain(code)}</code>${alike ? html`<br><span class="quiet">${sentence(only)}</span>` : ''}</td>
      <td>${remedy.helps}</td>
      <td>${again(calls, {}, 'all')}</td>
    </tr>
    ${
      alike
        ? ''
        : own.map((one) => {
            const answer = answerName(one);
            return html`<tr class="answer">
              <td class="number"><a href="${address({ answer })}">${one.count}</a></td>
              <td colspan="2"><span class="quiet">${sentence(one)}</span></td>
              <td>${again(one.count, { answer }, 'these')}</td>
            </tr>`;
          })
    }
    ${
      beyond > 0 && own.length > 0
        ? html`<tr class="answer"><td class="number">${beyond}</td><td colspan="3"><span class="quiet">in other words</span></td></tr>`
        : ''
    }`;
}

function live(look: Look, { live: calls, running }: Status): Html {
  const shown = calls.slice(-LIVE_SHOWN).reverse();
  const more = calls.length - shown.length;
  return html`<section id="live"><h2>Live calls <span class="count">${calls.length}</span></h2>
    ${
      !running || calls.length === 0
        ? html`<p class="quiet">No call goes on.</p>`
        : html`<div class="scroll" tabindex="0" role="region" aria-label="Live calls"><table>
      <thead><tr><th scope="col">For</th><th scope="col">Direction</th><th scope="col">From</th><th scope="col">To</th><th scope="col">Rung</th><th scope="col">Queue</th><th scope="col">State</th><th scope="col">PBX</th></tr></thead>
      <tbody>${shown.map((call) => {
        const { from, to } = parties(look, call);
        return html`<tr>
          <td class="number">${since(look, call.startedAt)}</td>
          <td><span class="direction ${call.direction}">${call.direction}</span></td>
          <td>${from}</td><td>${to}</td>
          <td>${call.agentsRung.map(plain).join(', ') || '-'}</td>
          <td>${plain(call.queue)}</td>
          <td>${call.answeredAt === null ? 'not answered' : html`talking for ${since(look, call.answeredAt)}`}</td>
          <td>${plain(call.source)}</td>
        </tr>`;
      })}</tbody>
    </table></div>${more > 0 ? html`<p class="quiet">and ${more} more</p>` : ''}`
    }
  </section>`;
}
