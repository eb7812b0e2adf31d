/** Pieces of a page. Texts are escaped by hono's `html`; what came from a caller or a PBX is made harmless for the eye as on a terminal. */
import { html, raw } from 'hono/html';
import type { CallRecord } from '../call/record.ts';
import { external, length, type Privacy, type Times } from '../commands/output.ts';
import { visible } from '../telephony/visible.ts';

export { html, raw };
export type Html = ReturnType<typeof html>;

/** Who looks, and how things are told to them. */
export interface Look {
  readonly secrecy: Privacy;
  /** Whole numbers are shown. */
  readonly revealed: boolean;
  readonly times: Times;
  /** ms since the epoch. */
  readonly now: number;
  /** To be sent with each form. */
  readonly csrf: string;
}

/** Text of a PBX, a caller or the CRM, with numbers as the looker may see them. */
export const told = (look: Look, text: string | null): string => (text === null ? '-' : look.secrecy.text(text));

/** Names of endpoints, queues and trunks: no numbers of people. */
export const plain = (text: string | null): string => (text === null || text === '' ? '-' : visible(text));

/** A point in time, for machines as well. */
export function moment(look: Look, ms: number | null, part: 'whole' | 'time' = 'whole'): Html {
  if (ms === null) return html`-`;
  const text = part === 'time' ? look.times.clockTime(ms).slice(0, 8) : look.times.dateTime(ms);
  return html`<time datetime="${new Date(ms).toISOString()}">${text}</time>`;
}

/** How long ago, or for how long: counts on in the browser. */
export function since(look: Look, ms: number | null): Html {
  if (ms === null) return html`-`;
  return html`<span data-since="${Math.floor(ms)}">${length(Math.max(0, look.now - ms))}</span>`;
}

/** `m:ss` or `h:mm:ss`. */
export function duration(seconds: number): string {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  const two = (n: number): string => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** From whom to whom. */
export function parties(look: Look, record: CallRecord): { readonly from: string; readonly to: string } {
  const outside = external(record, look.secrecy);
  const agent = plain(record.agent ?? 'nobody');
  if (record.direction === 'Internal') return { from: agent, to: plain(record.agentsRung[0] ?? '-') };
  return record.direction === 'Inbound' ? { from: outside, to: agent } : { from: agent, to: outside };
}

/** A form that does one thing. `fields`: hidden. */
export function action(look: Look, path: string, label: string, fields: Readonly<Record<string, string>> = {}): Html {
  return html`<form method="post" action="${path}" class="action">
    <input type="hidden" name="csrf" value="${look.csrf}">
    ${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
    <button>${label}</button>
  </form>`;
}

/** The address of a call's own page. */
export const callPath = (id: string): string => `/calls/${encodeURIComponent(id)}`;
