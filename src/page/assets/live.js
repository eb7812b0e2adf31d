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

const address = document.body.dataset.live;
const link = document.getElementById('link');
/** `isOld`: of what is shown; that is told where it is seen, and nothing is called well. */
let isOld = false;
function mark() {
  document.body.classList.toggle('old', isOld);
  if (isOld) document.querySelector('.verdict.well')?.classList.replace('well', 'unknown');
  else document.querySelector('.verdict.unknown')?.classList.replace('unknown', 'well');
}
const say = (text, old = true) => {
  if (link !== null && link.textContent !== text) link.textContent = text;
  if (isOld === old) return;
  isOld = old;
  mark();
};

/** A part that is used just now is put in later, but not later than so, ms. */
const MOST_LATE = 8000;
/** Parts that came while they were used, and when the first of them came. */
const late = new Map();

/** Something in it is pressed down or marked: what is put in its place would take that away. */
function isUsed(part) {
  const selection = getSelection();
  const marked = selection !== null && !selection.isCollapsed && selection.containsNode(part, true);
  return marked || part.matches(':active');
}

/** What an element is, whatever stands around it: a button is told by what it does, not by where it is. */
function keyOf(one) {
  const { form } = one;
  const does = form ? [form.getAttribute('action'), ...[...form.elements].map(({ value }) => value)] : [];
  const text = one.tagName === 'SUMMARY' ? one.textContent : '';
  const names = ['id', 'href', 'aria-label', 'aria-labelledby'].map((name) => one.getAttribute(name));
  return JSON.stringify([one.tagName, ...names, text, ...does]);
}

const PLACES = 'a, button, summary, input, select, [tabindex]';

/** For each element that can have the focus or be scrolled the one that stands for it in `fresh`; of several alike by their order. */
function pairsOf(old, fresh) {
  const there = new Map();
  for (const one of fresh.querySelectorAll(PLACES)) there.set(keyOf(one), [...(there.get(keyOf(one)) ?? []), one]);
  return [...old.querySelectorAll(PLACES)].map((one) => [one, there.get(keyOf(one))?.shift()]);
}

function put(id, text) {
  const old = document.getElementById(id);
  if (old === null) return;
  const since = late.get(id)?.since ?? Date.now();
  if (isUsed(old) && Math.abs(Date.now() - since) < MOST_LATE) {
    late.set(id, { text, since });
    return;
  }
  late.delete(id);
  const made = document.createElement('template');
  made.innerHTML = text;
  const [fresh] = made.content.children;
  if (fresh === undefined) return;
  const folds = [...fresh.querySelectorAll('details')];
  for (const [n, { open }] of [...old.querySelectorAll('details')].entries()) if (n in folds) folds[n].open = open;
  const focus = old.contains(document.activeElement) ? document.activeElement : null;
  const pairs = pairsOf(old, fresh);
  const places = pairs.map(([{ scrollLeft, scrollTop }, other]) => ({ other, scrollLeft, scrollTop }));
  old.replaceWith(fresh);
  for (const { other, scrollLeft, scrollTop } of places) {
    if (other !== undefined && (scrollLeft !== 0 || scrollTop !== 0)) other.scrollTo(scrollLeft, scrollTop);
  }
  if (focus !== null) {
    let next = pairs.find(([one]) => one === focus)?.[1];
    if (next === undefined) {
      // It is gone: whoever goes on by the keyboard does so from its part.
      next = fresh;
      fresh.tabIndex = -1;
    }
    next.focus({ preventScroll: true });
  }
  mark();
  fresh.dispatchEvent(new Event('logcalld-part', { bubbles: true }));
}

/** The server says something every 15 s; a connection that says nothing for so long is none any more, ms. */
const SILENT = 40_000;
const OLD = 'Not connected: what is shown may be old.';
let stream = null;
let heardAt = 0;

function close() {
  stream?.close();
  stream = null;
}

function open() {
  if (address === undefined || stream !== null || document.hidden) return;
  heardAt = Date.now();
  stream = new EventSource(address);
  const hear = (name, done) =>
    stream.addEventListener(name, (event) => {
      heardAt = Date.now();
      done(event);
    });
  hear('open', () => say('Live.', false));
  hear('alive', () => say('Live.', false));
  hear('part', ({ lastEventId, data }) => {
    put(lastEventId, data);
    count();
  });
  hear('away', () =>
    say('logcalld does not answer: it is starting, stopping, stopped, or busy. What is shown is old.'),
  );
  stream.addEventListener('error', () => say(OLD));
}

count();
setInterval(() => {
  for (const [id, { text }] of [...late]) put(id, text);
  count();
  // After a sleep of the machine, or when its clock was set, it is opened anew as well.
  if (stream === null || Math.abs(Date.now() - heardAt) < SILENT) return;
  say(OLD);
  close();
  open();
}, 1000);

// A browser has few connections to one server: a page that nobody sees takes none.
document.addEventListener('visibilitychange', () => {
  if (document.hidden) close();
  else open();
});
addEventListener('pagehide', close);
addEventListener('pageshow', open);
open();
