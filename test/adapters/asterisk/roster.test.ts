/** Which channels live, and which of their two events does not come. */
import t from 'tap';
import { Roster } from '../../../adapters/asterisk/hearing/roster.ts';

const PATIENCE_MS = 2_500;
const LOGIN_S = 1_795_344_600;

function bench(listed: readonly string[] | 'refused' = []) {
  const roster = new Roster(PATIENCE_MS);
  let now = 0;
  roster.begin();
  if (listed === 'refused') roster.refused();
  else roster.listed(new Set(listed));
  return {
    roster,
    pass: (ms: number) => {
      now += ms;
    },
    begin: (...ids: readonly string[]) => {
      for (const id of ids) roster.begins(id, now);
    },
    end: (...ids: readonly string[]) => {
      for (const id of ids) roster.ends(id, LOGIN_S * 1000);
    },
    count: (live: number) => roster.counted(roster.sample(now), live),
  };
}

const made = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `${LOGIN_S + 60}.${from + n}`);

t.test('a busy PBX whose ends come: never a list, whatever hidden channels it counts', async (t) => {
  const { roster, pass, begin, end, count } = bench();
  for (let n = 0; n < 100; n += 1) {
    begin(...made(5, 5 * n));
    t.equal(count(7), false);
    pass(3_000);
    end(...made(5, 5 * n));
  }
  t.equal(roster.partly, null);
});

t.test('looks that are nearer than the patience say nothing', async (t) => {
  const { pass, begin, count } = bench();
  begin(...made(3));
  t.equal(count(0), false);
  pass(PATIENCE_MS - 1);
  t.equal(count(0), false);
  pass(1);
  t.equal(count(0), true);
});

t.test('ends that come late are no missing ones: the list has the channels, or they have ended since', async (t) => {
  const { roster, pass, begin, end, count } = bench();
  begin('a.1', 'a.2');
  count(1);
  pass(3_000);
  t.equal(count(1), true);
  end('a.2');
  roster.listed(new Set(['a.1']));
  t.equal(roster.partly, null);
});

/** A PBX that tells the ends of every other channel. */
function heldBack() {
  const made = bench();
  const { roster, pass, begin, end, count } = made;
  const round = (n: number): void => {
    begin(`held.${n}`, `told.${n}`);
    count(1);
    pass(3_000);
    end(`told.${n}`);
    count(0);
    pass(3_000);
    if (count(0)) roster.listed(new Set());
  };
  for (let n = 0; n < 3; n += 1) {
    t.equal(roster.partly, null);
    round(n);
  }
  /** Channels whose beginnings and ends are told. */
  const whole = (count: number): void => {
    for (let n = 0; n < count; n += 1) {
      begin(`whole.${n}`);
      end(`whole.${n}`);
    }
  };
  /** It is counted how many live, twice, with time for ends between. */
  const look = (live: number): void => {
    for (let n = 0; n < 2; n += 1) {
      pass(3_000);
      count(live);
    }
  };
  return { ...made, round, whole, look };
}

t.test('ends of some channels come, those of others do not: told after three of them, over after a run', async (t) => {
  const { roster, whole, look, round } = heldBack();
  t.equal(roster.partly, 'ends');
  whole(28);
  round(9);
  whole(29);
  look(0);
  t.equal(roster.partly, 'ends', 'one was not told between');
  whole(1);
  t.equal(roster.partly, 'ends', 'not before it is counted that none lacks');
  look(0);
  t.equal(roster.partly, null);
});

t.test('the same over logins that are done anew: it is over only when ends come', async (t) => {
  const { roster, round, whole, look } = heldBack();
  for (let login = 0; login < 5; login += 1) {
    roster.begin();
    roster.listed(new Set());
    round(10 + login);
    t.equal(roster.partly, 'ends');
  }
  roster.begin();
  roster.listed(new Set());
  whole(30);
  look(0);
  t.equal(roster.partly, null);
});

t.test('the same where nobody may count any more: after a longer run', async (t) => {
  const { roster, whole } = heldBack();
  roster.begin();
  roster.refused();
  whole(199);
  t.equal(roster.partly, 'ends');
  whole(1);
  t.equal(roster.partly, null);
});

t.test('without a list, the end of a channel that was made since the login must have had a beginning', async (t) => {
  const { roster, begin, end } = bench('refused');
  end(...Array.from({ length: 9 }, (_, n) => `${LOGIN_S - 60}.${n}`));
  t.equal(roster.partly, null, 'they began before');
  end(...made(1));
  t.equal(roster.partly, null, 'one may be a slip');
  end(...made(1, 1));
  t.equal(roster.partly, 'beginnings');
  begin('a.1');
  t.equal(roster.partly, null);
  const unknown = new Roster(PATIENCE_MS);
  unknown.refused();
  for (const id of made(9)) unknown.ends(id, null);
  t.equal(unknown.partly, null, 'the PBX has not told its time');
});

t.test('without a list or a count, a hundred beginnings in an hour without an end', async (t) => {
  const { roster, pass, begin, end } = bench('refused');
  begin(...made(99));
  pass(3_600_000);
  t.equal(roster.partly, null);
  begin(...made(1, 99));
  t.equal(roster.partly, 'ends');
  end(...made(1, 99));
  t.equal(roster.partly, null);
  begin(...made(200, 100));
  t.equal(roster.partly, null, 'ends come');
});

t.test('what is never told to end is not kept for ever', async (t) => {
  const { roster, begin } = bench('refused');
  begin(...made(12_000));
  t.equal(roster.sample(0).ids.length, 10_000);
});
