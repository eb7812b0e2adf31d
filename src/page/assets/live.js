/** Counts times on, and takes over the parts of the page that the server sends. The page is complete without it. */

const skew = Date.now() - Number(document.body.dataset.now);

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
];

/** As the server writes lengths: the two largest units. */
function lengthOf(ms) {
  const at = UNITS.findIndex(([, size]) => ms >= size);
  if (at < 0) return '0 s';
  const [name, size] = UNITS[at];
  const next = UNITS[at + 1];
  const rest = next === undefined ? 0 : Math.floor((ms % size) / next[1]);
  return `${Math.floor(ms / size)} ${name}${rest === 0 ? '' : ` ${rest} ${next[0]}`}`;
}

function count() {
  const now = Date.now() - skew;
  for (const one of document.querySelectorAll('[data-since]')) {
    const text = lengthOf(Math.max(0, now - Number(one.dataset.since)));
    if (one.textContent !== text) one.textContent = text;
  }
}

count();
setInterval(count, 1000);

const address = document.body.dataset.live;
const link = document.getElementById('link');
const say = (text) => {
  if (link !== null && link.textContent !== text) link.textContent = text;
};

/** Parts that came while somebody was in them: put in when they have left. */
const late = new Map();

function put(id, text) {
  const old = document.getElementById(id);
  if (old === null) return;
  if (old.contains(document.activeElement)) {
    late.set(id, text);
    return;
  }
  late.delete(id);
  const made = document.createElement('template');
  made.innerHTML = text;
  const [fresh] = made.content.children;
  if (fresh === undefined) return;
  const folds = [...fresh.querySelectorAll('details')];
  for (const [n, { open }] of [...old.querySelectorAll('details')].entries()) if (n in folds) folds[n].open = open;
  old.replaceWith(fresh);
  fresh.dispatchEvent(new Event('logcalld-part', { bubbles: true }));
}

document.addEventListener('focusout', () => {
  setTimeout(() => {
    for (const [id, text] of [...late]) put(id, text);
    count();
  });
});

let stream = null;

function open() {
  if (address === undefined || stream !== null || document.hidden) return;
  stream = new EventSource(address);
  stream.addEventListener('open', () => say('Live.'));
  stream.addEventListener('part', ({ lastEventId, data }) => {
    say('Live.');
    put(lastEventId, data);
    count();
  });
  stream.addEventListener('away', () => say('logcalld does not answer: it is starting, stopping, or stopped.'));
  stream.addEventListener('error', () => say('Not connected: what is shown may be old.'));
}

// A browser has few connections to one server: a page that nobody sees takes none.
document.addEventListener('visibilitychange', () => {
  if (document.hidden) {
    stream?.close();
    stream = null;
  } else open();
});
addEventListener('pagehide', () => {
  stream?.close();
  stream = null;
});
addEventListener('pageshow', open);
open();
