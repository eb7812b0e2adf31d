/** Charts: tables that a script draws. Without scripts they are tables. */
import type { CallHour } from '../../../adapters/sqlite/sessions/hours.ts';
import type { CallStatus } from '../../call/record.ts';
import { type Html, html, type Look, moment } from '../html.ts';

/** What became of a call, as far as a glance tells it apart. */
const OUTCOMES = ['answered', 'missed', 'not reached', 'internal'] as const;
type Outcome = (typeof OUTCOMES)[number];

const MISSED: ReadonlySet<CallStatus> = new Set(['Missed', 'Abandoned', 'Busy', 'Voicemail']);

function outcomeOf({ direction, status }: CallHour['calls'][number]): Outcome {
  if (direction === 'Internal') return 'internal';
  if (status === 'Answered') return 'answered';
  return direction === 'Inbound' && MISSED.has(status) ? 'missed' : 'not reached';
}

export interface ChartHours {
  /** Beginnings of the hours, ms since the epoch. */
  readonly at: readonly number[];
  readonly today: readonly (CallHour | null)[];
  /** The same hours a week before. */
  readonly weekAgo: readonly (CallHour | null)[];
}

export function chartsOf(look: Look, { at, today, weekAgo }: ChartHours): Html {
  const sum = (hour: CallHour | null | undefined, of?: Outcome): number =>
    (hour?.calls ?? []).reduce((all, one) => all + (of === undefined || outcomeOf(one) === of ? one.count : 0), 0);
  return html`<section id="charts"><h2>The last ${at.length} hours</h2><div class="charts">
    ${chart(
      look,
      { id: 'outcomes', title: 'Calls by the hour', kind: 'stacked', unit: '' },
      at,
      OUTCOMES.map((name) => [name, today.map((hour) => sum(hour, name))]),
    )}
    ${chart(look, { id: 'weeks', title: 'Calls, beside the same hours a week ago', kind: 'lines', unit: '' }, at, [
      ['now', today.map((hour) => sum(hour))],
      ['a week ago', weekAgo.map((hour) => sum(hour))],
    ])}
    ${chart(
      look,
      { id: 'latency', title: 'From the end of a call until LeadSquared has it', kind: 'lines', unit: 's' },
      at,
      [
        ['half of them', today.map((hour) => seconds(hour?.posted?.p50))],
        ['95 %', today.map((hour) => seconds(hour?.posted?.p95))],
      ],
    )}
  </div></section>`;
}

const seconds = (ms: number | undefined): number | null => (ms === undefined ? null : Math.round(ms) / 1000);

interface Chart {
  readonly id: string;
  readonly title: string;
  readonly kind: 'stacked' | 'lines';
  readonly unit: string;
}

function chart(
  look: Look,
  { id, title, kind, unit }: Chart,
  at: readonly number[],
  series: readonly (readonly [name: string, values: readonly (number | null)[]])[],
): Html {
  return html`<figure class="chart" data-chart="${kind}" data-unit="${unit}"><figcaption id="${id}-title">${title}</figcaption>
    <div class="plot"></div>
    <details><summary>As a table</summary><div class="scroll" tabindex="0" role="region" aria-labelledby="${id}-title"><table>
      <thead><tr><th scope="col">Hour</th>${series.map(([name]) => html`<th scope="col" class="number">${name}</th>`)}</tr></thead>
      <tbody>${at.map(
        (hour, n) =>
          html`<tr><th scope="row" data-at="${hour / 1000}">${moment(look, hour)}</th>${series.map(
            ([, values]) =>
              html`<td class="number">${values[n] ?? ''}${values[n] == null || unit === '' ? '' : ` ${unit}`}</td>`,
          )}</tr>`,
      )}</tbody>
    </table></div></details></figure>`;
}
