/** The states of a link, and when it is tried again. */
import fc from 'fast-check';
import t from 'tap';
import { Link, type LinkEnd, type LinkStatus, type LinkStep, TRANSITIONS } from '../../src/link/link.ts';
import { within } from '../../src/link/within.ts';

const STEPS: readonly LinkStep[] = ['start', 'up', 'lose', 'refuse', 'stop'];

/** A link whose time is turned by hand. */
function bench() {
  let time = 0;
  let timers: { at: number; run: () => void }[] = [];
  const told: LinkStatus[] = [];
  const delays: number[] = [];
  let attempts = 0;
  const clock = {
    now: () => 1_800_000_000_000 + time,
    monotonic: () => time,
    after(ms: number, run: () => void) {
      const timer = { at: time + ms, run };
      timers.push(timer);
      delays.push(ms);
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
  };
  const link = new Link({
    ...{ host: '127.0.0.1', clock, random: () => 1 - Number.EPSILON },
    connect: () => {
      attempts += 1;
    },
    onChange: (status) => told.push(status),
  });
  const pass = (ms: number) => {
    time += ms;
    for (const due of timers.filter(({ at }) => at <= time)) {
      timers = timers.filter((one) => one !== due);
      due.run();
    }
  };
  const take = (step: LinkStep): void => {
    if (step === 'start') link.start();
    else if (step === 'up') link.up();
    else if (step === 'stop') link.stop();
    else link.down({ step, cost: step === 'refuse' ? 'refused' : 'dropped', problem: step });
  };
  return { link, clock, told, delays, pass, take, waiting: () => timers.length, attempts: () => attempts };
}

const lost = (cost: LinkEnd['cost'] = 'dropped'): LinkEnd => ({ step: 'lose', cost, problem: 'gone' });

t.test(
  'whatever the steps, the state is what the table says, and an attempt is planned where one must be',
  async () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...STEPS), { maxLength: 30 }), (steps) => {
        const { link, take, waiting } = bench();
        let stage: keyof typeof TRANSITIONS = 'new';
        for (const step of steps) {
          stage = TRANSITIONS[stage][step] ?? stage;
          take(step);
          if (link.status.state !== (stage === 'new' ? 'connecting' : stage)) return false;
          if (waiting() !== (stage === 'lost' || stage === 'refused' ? 1 : 0)) return false;
        }
        return true;
      }),
    );
  },
);

t.test('every state can be stopped, and a stop is final', async (t) => {
  for (const [state, steps] of Object.entries(TRANSITIONS)) {
    if (state === 'stopped') t.strictSame(steps, {});
    else t.equal(steps.stop, 'stopped', state);
  }
  t.equal(TRANSITIONS.connected.refuse, 'lost', 'a link that stood was let in');
});

t.test('one trouble is told once, and the state has its own time', async (t) => {
  const { link, told, pass, attempts } = bench();
  link.start();
  pass(5);
  for (let i = 0; i < 3; i += 1) {
    link.down(lost('unreachable'));
    pass(800);
  }
  t.equal(attempts(), 4);
  t.match(told, [
    { state: 'connecting', since: 1_800_000_000_000 },
    { state: 'lost', problem: 'gone', since: 1_800_000_000_005 },
  ]);
  t.equal(told.length, 2);
  link.down({ step: 'lose', cost: 'dropped', problem: null });
  t.equal(told.length, 2, 'nor is what is no news');
  link.up();
  link.down({ step: 'lose', cost: 'dropped', problem: null });
  t.equal(link.status.state, 'lost', 'the end of a link is always news');
});

t.test('the pace: by what it cost, the first after a link that stood, and the first anew', async (t) => {
  const { link, delays, pass } = bench();
  link.start();
  const after = (stoodMs: number | null, end: LinkEnd): number => {
    if (stoodMs !== null) link.up();
    pass(stoodMs ?? 0);
    link.down(end);
    const delay = delays.at(-1) ?? -1;
    pass(delay);
    return delay;
  };
  t.same(
    [after(null, lost('unreachable')), after(null, lost('unreachable')), after(0, lost('unreachable'))],
    [100, 200, 100],
    'nobody there after a link: it has gone just now',
  );
  t.same(
    [after(0, lost()), after(9_999, lost()), after(0, lost()), after(10_000, lost()), after(0, lost())],
    [250, 500, 1_000, 250, 500],
  );
  const refused: LinkEnd = { step: 'refuse', cost: 'refused', problem: 'no' };
  t.same([after(null, refused), after(null, refused)], [5_000, 5_000]);
  t.equal(after(0, refused), 250, 'a link that stood is not refused but dropped');
  t.equal(link.status.state, 'lost');
  t.same([after(null, { ...lost(), anew: true }), after(null, { ...lost(), anew: true })], [250, 250]);
});

t.test('what is wrong while connected: by subject, the oldest first, and over with the link', async (t) => {
  const { link, told } = bench();
  link.note('list', 'too early');
  link.start();
  link.up();
  t.equal(link.status.problem, null);
  link.note('boot', 'still booting');
  link.note('list', 'no list');
  link.note('list', 'no list, asked twice');
  t.equal(link.status.problem, 'still booting');
  link.note('boot', null);
  t.equal(link.status.problem, 'no list, asked twice');
  link.note('list', null);
  t.same(
    told.map(({ problem }) => problem),
    [null, null, 'still booting', 'still booting', 'still booting', 'no list, asked twice', null],
    'told with each note, as who is told may know more than is shown',
  );
  link.note('list', null);
  t.equal(told.length, 7, 'but not when nothing changes');
  link.note('list', 'no list');
  link.down(lost());
  link.note('list', null);
  t.match(link.status, { state: 'lost', problem: 'gone' });
  link.up();
  t.match(link.status, { state: 'connected', problem: null });
});

t.test('nothing follows a stop, also one within a change that is told', async (t) => {
  const { link, clock, waiting } = bench();
  link.start();
  link.down(lost());
  link.stop();
  t.equal(waiting(), 0);
  link.down(lost());
  link.up();
  t.equal(waiting(), 0);
  t.equal(link.status.state, 'stopped');
  const other = new Link({
    ...{ host: 'pbx', clock, random: () => 0, connect: () => {} },
    onChange: ({ state }) => {
      if (state === 'lost') other.stop();
    },
  });
  other.start();
  other.down(lost());
  t.equal(other.status.state, 'stopped');
  t.equal(waiting(), 0);
});

t.test('a wait has an end', async (t) => {
  const { clock, pass, waiting } = bench();
  t.equal(await within(clock, 10, 'late', Promise.resolve(7)), 7);
  await t.rejects(within(clock, 10, 'late', Promise.reject(new Error('broken'))), /broken/);
  t.equal(waiting(), 0);
  const never = t.rejects(within(clock, 10, 'It took too long.', new Promise(() => {})), /took too long/);
  pass(10);
  await never;
});
