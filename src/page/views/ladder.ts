/** The picture of a call: a line for each leg, and what it did when, on one axis of time. */
import type { Ladder, LegSpan, SpanKind } from '../../call/ladder.ts';
import { length } from '../../commands/output.ts';
import { type Html, html, type Look, told } from '../html.ts';

const WORDS: Readonly<Record<SpanKind, string>> = {
  calling: 'calls',
  ringing: 'rings',
  waiting: 'waits',
  up: 'answered, connected with nobody',
  talking: 'talks',
  held: 'holds the call',
};

/** Pixels of the drawing, which is scaled to the width of the page. */
const [WIDTH, NAMES, ROW, BAR, AXIS] = [1000, 170, 34, 18, 26];
/** Names of legs have this much room; the whole of them stands in the table below. */
const NAME_LENGTH = 20;
/** A span is at least this wide. */
const LEAST = 2;
/** Lengths between two ticks, ms. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400].map((s) => s * 1000);
const TICKS = 8;

export function ladderPicture(look: Look, ladder: Ladder): Html {
  const { from, to, legs } = ladder;
  const total = Math.max(1000, to - from);
  const x = (at: number): number => round(NAMES + ((at - from) / total) * (WIDTH - NAMES - 10));
  const height = AXIS + legs.length * ROW + 6;
  const step = STEPS.find((one) => total / one <= TICKS) ?? total;
  const ticks = Array.from({ length: Math.floor(total / step) + 1 }, (_, n) => n * step);
  const lengthOf = ({ from: a, to: b }: LegSpan): string => length(b - a);
  return html`<figure class="ladder">
    <div class="scroll" tabindex="0" role="region" aria-label="Legs of the call">
    <svg viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" role="img" aria-labelledby="ladder-title">
      <title id="ladder-title">What each leg of the call did, second by second; the table below says the same.</title>
      ${ticks.map(
        (
          tick,
        ) => html`<g class="tick"><line x1="${x(from + tick)}" x2="${x(from + tick)}" y1="${AXIS - 6}" y2="${height}"/>
        <text x="${x(from + tick)}" y="${AXIS - 12}" text-anchor="${x(from + tick) > WIDTH - 50 ? 'end' : 'middle'}">${tick === 0 ? look.times.clockTime(from).slice(0, 8) : `+${length(tick)}`}</text></g>`,
      )}
      ${legs.map((leg, n) => {
        const y = AXIS + n * ROW;
        const name = told(look, leg.who);
        return html`<g class="leg ${leg.side}">
          <text class="who" x="0" y="${y + BAR}">${name.length > NAME_LENGTH ? `${name.slice(0, NAME_LENGTH - 1)}…` : name}</text>
          ${leg.spans.map(
            (span) =>
              html`<rect class="${span.kind}" x="${x(span.from)}" y="${y + 4}" width="${Math.max(LEAST, round(x(span.to) - x(span.from)))}" height="${BAR}" rx="3"><title>${name} ${WORDS[span.kind]} for ${lengthOf(span)}</title></rect>`,
          )}
          ${leg.marks.map(({ at, what }) => html`<circle class="mark" cx="${x(at)}" cy="${y + 4 + BAR / 2}" r="5"><title>${name} ${what}</title></circle>`)}
        </g>`;
      })}
    </svg></div>
    <figcaption>${(Object.keys(WORDS) as SpanKind[])
      .filter((kind) => legs.some(({ spans }) => spans.some((span) => span.kind === kind)))
      .map((kind) => html`<span class="key ${kind}"></span>${WORDS[kind]} `)}</figcaption>
    <details><summary>As a table</summary>
    <div class="scroll" tabindex="0" role="region" aria-label="Legs as a table"><table>
      <thead><tr><th scope="col">Leg</th><th scope="col">From</th><th scope="col">To</th><th scope="col">What</th></tr></thead>
      <tbody>${legs.flatMap((leg) =>
        [
          ...leg.spans.map(({ kind, from: a, to: b }) => ({ at: a, until: b as number | null, what: WORDS[kind] })),
          ...leg.marks.map(({ at, what }) => ({ at, until: null, what })),
        ]
          .sort((a, b) => a.at - b.at)
          .map(
            ({ at, until, what }) => html`<tr><td>${told(look, leg.who)}</td><td>${look.times.clockTime(at)}</td>
            <td>${until === null ? '' : look.times.clockTime(until)}</td><td>${what}</td></tr>`,
          ),
      )}</tbody></table></div></details>
  </figure>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;
