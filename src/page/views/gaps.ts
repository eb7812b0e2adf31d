/** When each PBX was heard and when not, and what became of the calls of the gaps. */
import { lasted } from '../../commands/records/gap-line.ts';
import { goingOn, settlement } from '../../records/text.ts';
import { type GapsFound, WEEK_MS } from '../gaps.ts';
import { type Html, html, type Look, moment, plain, told } from '../html.ts';

/** Days of the picture. */
const GAP_DAYS = WEEK_MS / 86_400_000;
const [WIDTH, NAMES, ROW, AXIS] = [1000, 130, 34, 26];

export function gapsPage(look: Look, found: GapsFound): Html {
  const { listed, more, wholeSince } = found;
  return html`<h1>Gaps</h1>
    <p class="quiet">Times in which a PBX was not heard, and what its own records filled in afterwards.</p>
    ${picture(look, found)}
    ${wholeSince === null ? '' : html`<p class="quiet">The picture begins ${moment(look, wholeSince)}: there are more gaps before that than it can show.</p>`}
    ${
      listed.length === 0
        ? html`<p>No gaps.</p>`
        : html`<div class="scroll" tabindex="0" role="region" aria-label="Gaps"><table>
      <thead><tr><th scope="col">From</th><th scope="col">To</th><th scope="col">PBX</th><th scope="col">Lasted</th><th scope="col">Why</th><th scope="col">Calls</th><th scope="col">State</th></tr></thead>
      <tbody>${listed.map(
        (
          gap,
        ) => html`<tr><td>${moment(look, gap.beganAt)}</td><td>${gap.endedAt === null ? 'goes on' : moment(look, gap.endedAt)}</td>
          <td>${plain(gap.source)}</td><td>${lasted(gap, look.now)}</td><td>${told(look, gap.reason)}</td>
          <td>${goingOn(gap)}; ${told(look, settlement(gap))}</td><td><span class="tag gap-${gap.state}">${gap.state}</span></td></tr>`,
      )}</tbody></table></div>${more ? html`<p class="quiet">These are the latest ${listed.length}; <code>logcalld gaps --since TIME</code> shows earlier ones.</p>` : ''}`
    }`;
}

function picture(look: Look, { sources, week, wholeSince }: GapsFound): Html {
  const from = look.now - WEEK_MS;
  const x = (at: number): number =>
    Math.round((NAMES + ((at - from) / (look.now - from)) * (WIDTH - NAMES - 10)) * 10) / 10;
  const height = AXIS + sources.length * ROW + 6;
  const days = Array.from({ length: GAP_DAYS + 1 }, (_, n) => midnight(from, n)).filter(
    (at) => at > from && at < look.now,
  );
  return html`<figure class="ladder"><div class="scroll" tabindex="0" role="region" aria-label="Times of hearing">
    <svg viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" role="img" aria-labelledby="gaps-title">
      <title id="gaps-title">When each PBX was heard in the last ${GAP_DAYS} days; the table below lists the gaps.</title>
      ${days.map(
        (at) => html`<g class="tick"><line x1="${x(at)}" x2="${x(at)}" y1="${AXIS - 6}" y2="${height}"/>
        <text x="${x(at)}" y="${AXIS - 12}" text-anchor="middle">${look.times.dateTime(at).slice(5, 10)}</text></g>`,
      )}
      ${sources.map(({ name, heardSince }, n) => {
        const y = AXIS + n * ROW;
        const own = week.filter((gap) => gap.source === name && (gap.endedAt ?? look.now) > from);
        // A gap begins with the last proof that it was heard.
        const known = Math.min(heardSince ?? look.now, ...own.map(({ beganAt }) => beganAt));
        const begin = x(Math.max(from, known, wholeSince ?? 0));
        return html`<g class="leg"><text class="who" x="0" y="${y + 18}">${plain(name).slice(0, 16)}</text>
          <rect class="unknown" x="${NAMES}" y="${y + 4}" width="${WIDTH - NAMES - 10}" height="18" rx="3"><title>not known to have been heard</title></rect>
          ${begin < WIDTH - 10 ? html`<rect class="heard" x="${begin}" y="${y + 4}" width="${Math.round((WIDTH - 10 - begin) * 10) / 10}" height="18"/>` : ''}
          ${own.map((gap) => {
            const [a, b] = [x(Math.max(from, gap.beganAt)), x(gap.endedAt ?? look.now)];
            return html`<rect class="gap-${gap.state}" x="${a}" y="${y + 4}" width="${Math.max(3, Math.round((b - a) * 10) / 10)}" height="18"><title>not heard for ${lasted(gap, look.now)}: ${gap.state}</title></rect>`;
          })}</g>`;
      })}
    </svg></div>
    <figcaption><span class="key heard"></span>heard <span class="key unknown"></span>not known, or before it was heard first <span class="key gap-filled"></span>not heard, filled from records
      <span class="key gap-unfilled"></span>not heard, calls may be missing <span class="key gap-open"></span>goes on, or is being filled</figcaption></figure>`;
}

/** The `n`th midnight of the clocks on the wall after a moment. */
function midnight(after: number, n: number): number {
  const day = new Date(after);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + n).getTime();
}
