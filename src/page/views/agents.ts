/** Extensions and the users of LeadSquared they belong to, those without one first. */
import type { Replies } from '../../../adapters/control/api.ts';
import { count } from '../../commands/output.ts';
import type { ReasonCode } from '../../delivery/parked/reasons.ts';
import { nameOf } from '../../delivery/parties/extension.ts';
import { type Html, html, type Look, moment, plain, told } from '../html.ts';

type Lines = Replies['users']['lines'];

const sumOf = (lines: Lines, part: (line: Lines[number]) => number): number =>
  lines.reduce((sum, line) => sum + part(line), 0);

/** Whether they have a user; of some it may not be known. */
function headline(missing: Lines, open: Lines): string {
  if (missing.length + open.length === 0) return 'Every extension has a user.';
  const part = (lines: Lines): string => {
    const lost = sumOf(lines, ({ held }) => held.parked + held.skipped);
    const calls = `took part in ${count(
      sumOf(lines, ({ calls }) => calls),
      'call',
    )}`;
    return lost === 0
      ? `${calls}.`
      : `${calls}; ${count(lost, 'call')} of theirs ${lost === 1 ? 'is' : 'are'} not posted.`;
  };
  return [
    missing.length === 0 ? '' : `${count(missing.length, 'extension')} without a user of LeadSquared ${part(missing)}`,
    open.length === 0 ? '' : `${count(open.length, 'extension')} of which the user is not known yet ${part(open)}`,
  ]
    .join(' ')
    .trim();
}

/** The calls that were lost for want of a user, each number leading to them. */
function lost(who: string, { parked, skipped }: Lines[number]['held']): Html {
  if (parked + skipped === 0) return html`-`;
  const link = (calls: number, state: 'parked' | 'skipped', reason: ReasonCode): Html | '' =>
    calls === 0
      ? ''
      : html`<a class="tag ${state}" href="/calls?${new URLSearchParams({ agent: who, state, reason }).toString()}">${calls} ${state}</a> `;
  return html`${link(parked, 'parked', 'no-user')}${link(skipped, 'skipped', 'skip-no-user')}`;
}

export function agentsPage(look: Look, { lines, count: known, fetchedAt }: Replies['users']): Html {
  const missing = lines.filter(({ match }) => match === 'none');
  const open = lines.filter(({ match }) => match === 'not-yet');
  return html`<h1>Agents</h1>
    ${lines.length === 0 ? '' : html`<p class="${missing.length > 0 ? 'problem' : 'quiet'}">${headline(missing, open)}</p>`}
    <p class="quiet">${fetchedAt === null ? 'The users of LeadSquared were not fetched yet.' : html`LeadSquared has ${count(known, 'user')}, fetched ${moment(look, fetchedAt)}.`}</p>
    ${
      lines.length === 0
        ? html`<p>No extension is in a users file, and none took part in a call yet.</p>`
        : html`<div class="scroll" tabindex="0" role="region" aria-label="Extensions"><table>
      <thead><tr><th scope="col">Extension</th><th scope="col">PBX</th><th scope="col">User</th><th scope="col">Name</th><th scope="col">Not posted</th><th scope="col" class="number">Calls</th><th scope="col">Last call</th><th scope="col">Note</th></tr></thead>
      <tbody>${lines.map((line) => {
        const { extension, domain, source, match, email, userId, name, calls, lastAt, note, held } = line;
        const who = nameOf({ extension, domain });
        return html`<tr>
          <th scope="row"><a href="/calls?agent=${encodeURIComponent(who)}">${plain(who)}</a></th><td>${plain(source ?? 'any')}</td>
          <td>${match === 'known' ? told(look, email ?? userId) : html`<span class="tag parked">${match === 'none' ? 'none' : 'not known yet'}</span>`}</td>
          <td>${told(look, name)}</td><td>${lost(who, held)}</td><td class="number">${calls}</td><td>${moment(look, lastAt)}</td><td>${told(look, note)}</td>
        </tr>`;
      })}</tbody></table></div>`
    }`;
}
