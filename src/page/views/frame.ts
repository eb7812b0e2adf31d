/** What every page has around it. */
import { action, type Html, html, type Look } from '../html.ts';

const PLACES = [
  ['/', 'Now'],
  ['/calls', 'Calls'],
  ['/agents', 'Agents'],
  ['/gaps', 'Gaps'],
] as const;

export interface Framed {
  readonly title: string;
  /** Of the places above. */
  readonly place: string;
  /** Where the page itself is, for what leads back to it. */
  readonly path: string;
  readonly body: Html;
  /** It is kept up to date while it is open. */
  readonly live?: boolean;
  readonly charts?: boolean;
}

export function framed(look: Look, { title, place, path, body, live = false, charts = false }: Framed): Html {
  return document(
    title,
    html`<header class="top">
        <a class="skip" href="#content">To the content</a>
        <a class="name" href="/">logcalld</a>
        <nav aria-label="Places">
          ${PLACES.map(
            ([address, label]) =>
              html`<a href="${address}" ${place === address ? html`aria-current="page"` : ''}>${label}</a>`,
          )}
        </nav>
        <div class="own">
          ${
            look.revealed
              ? action(look, '/mask', 'Mask numbers', { to: path })
              : action(look, '/reveal', 'Show whole numbers', { to: path })
          }
          ${action(look, '/logout', 'Log out')}
        </div>
      </header>
      <main id="content" tabindex="-1">${body}</main>
      <footer>Times are ${look.times.zone(look.now)}. <span id="link" role="status"></span></footer>`,
    { live, charts, now: look.now },
  );
}

export function document(
  title: string,
  body: Html,
  { live = false, charts = false, now }: { live?: boolean; charts?: boolean; now?: number } = {},
): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} - logcalld</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/style.css">
${charts ? html`<link rel="stylesheet" href="/assets/uplot.css"><script src="/assets/uplot.js" defer></script><script src="/assets/charts.js" defer></script>` : ''}
${now === undefined ? '' : html`<script src="/assets/live.js" defer></script>`}
</head>
<body ${now === undefined ? '' : html`data-now="${Math.floor(now)}"`} ${live ? html`data-live="/events"` : ''}>
${body}
</body>
</html>`;
}

/** A page that says one thing, in paragraphs. */
export function notice(
  look: Look,
  title: string,
  lines: readonly string[],
  path: string,
  more: Html | string = '',
): Html {
  return framed(look, {
    ...{ title, place: '', path },
    body: html`<h1>${title}</h1>${lines.map((line) => html`<p>${line}</p>`)}${more}`,
  });
}

export const backLink = (path: string): Html => html`<p><a href="${path}">Back</a></p>`;

export function loginPage(to: string, problem: string | null): Html {
  return document(
    'Log in',
    html`<main class="login">
      <h1>logcalld</h1>
      ${problem === null ? '' : html`<p class="problem" role="alert">${problem}</p>`}
      <form method="post" action="/login">
        <input type="hidden" name="to" value="${to}">
        <label for="token">Token of the page</label>
        <input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
        <button>Log in</button>
      </form>
      <p class="quiet">The administrator has it: <code>[page] token_file</code> of the config, or the credential
        <code>page-token</code>.</p>
    </main>`,
  );
}
