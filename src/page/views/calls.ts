/** The list of calls and what they are searched by. */
import type { CallsAnswer } from '../../../adapters/control/api.ts';
import { CALL_STATUSES, DIRECTIONS } from '../../call/record.ts';
import { DELIVERY_STATES } from '../../delivery/states.ts';
import { callPath, duration, type Html, html, type Look, moment, parties, plain, told } from '../html.ts';

/** As the fields of the form, and the query of the address, have them; empty: not restricted. */
export interface Search {
  readonly number: string;
  readonly agent: string;
  readonly queue: string;
  readonly day: string;
  readonly state: string;
  readonly status: string;
  readonly direction: string;
  readonly reason: string;
  /** The name of an answer that calls wait with, see `calls/answers.ts`. */
  readonly answer: string;
}

/** States that are ways to the post. */
export const WAITING = 'waiting';

export function callsPage(
  look: Look,
  search: Search,
  found: CallsAnswer | null,
  problem: string | null,
  older: string | null,
  sentence?: string,
): Html {
  return html`<h1>Calls</h1>
    ${searchForm(search)}
    ${sentence === undefined ? '' : html`<p>Those that wait with the answer: <q>${told(look, sentence === '' ? 'no reason kept' : sentence)}</q></p>`}
    ${problem === null ? '' : html`<p class="problem" role="alert">${told(look, problem)}</p>`}
    ${found === null ? '' : result(look, found, older)}`;
}

function searchForm(search: Search): Html {
  const field = (name: keyof Search, label: string, hint: string, type = 'search'): Html =>
    html`<div><label for="${name}">${label}</label>
      <input id="${name}" name="${name}" type="${type}" value="${search[name]}" placeholder="${hint}" autocomplete="off"></div>`;
  const choice = (name: keyof Search, label: string, values: readonly string[]): Html =>
    html`<div><label for="${name}">${label}</label><select id="${name}" name="${name}">
      <option value="">any</option>
      ${values.map((value) => html`<option value="${value}" ${search[name] === value ? html`selected` : ''}>${value}</option>`)}
    </select></div>`;
  return html`<form method="get" action="/calls" class="search" role="search">
    ${field('number', 'Number ends in', '3210')}
    ${field('agent', 'Agent', 'extension or name')}
    ${field('day', 'Day', '', 'date')}
    ${choice('state', 'Delivery', [WAITING, ...DELIVERY_STATES])}
    ${choice('status', 'Outcome', CALL_STATUSES)}
    ${choice('direction', 'Direction', DIRECTIONS)}
    ${field('queue', 'Queue', '')}
    ${search.reason === '' ? '' : field('reason', 'Reason', '')}
    ${search.answer === '' ? '' : html`<input type="hidden" name="answer" value="${search.answer}">`}
    <div class="buttons"><button>Search</button> <a href="/calls">Clear</a></div>
  </form>`;
}

function result(look: Look, { rows, meant }: CallsAnswer, older: string | null): Html {
  const asked = meant.length === 0 ? '' : html`<p class="quiet">Meant: ${told(look, meant.join(', '))}</p>`;
  const further = older === null ? '' : html`<p><a href="${older}" rel="next">Older calls</a></p>`;
  if (rows.length === 0)
    return older === null
      ? html`<p>No call is such.</p>`
      : html`${asked}<p>No call is such among those that were looked at up to now.</p>${further}`;
  return html`${asked}
    <div class="scroll" tabindex="0" role="region" aria-label="Calls"><table>
      <thead><tr><th scope="col">Time</th><th scope="col">Direction</th><th scope="col">Outcome</th><th scope="col">From</th>
        <th scope="col">To</th><th scope="col">Queue</th><th scope="col" class="number">Length</th><th scope="col">Delivery</th></tr></thead>
      <tbody>${rows.map(({ record, state, code, reason }) => {
        const { from, to } = parties(look, record);
        return html`<tr>
          <td><a href="${callPath(record.callSessionId)}">${moment(look, record.startedAt)}</a></td>
          <td><span class="direction ${record.direction}">${record.direction}</span></td>
          <td>${record.status}</td><td>${from}</td><td>${to}</td>
          <td>${plain(record.queue)}</td>
          <td class="number">${duration(record.durationSeconds)}</td>
          <td><span class="tag ${state ?? 'none'}" ${reason === null ? '' : html`title="${told(look, reason)}"`}>${state ?? 'not posted'}</span>
            ${code === null ? '' : html`<span class="quiet">${code}</span>`}</td>
        </tr>`;
      })}</tbody>
    </table></div>
    ${further}`;
}
