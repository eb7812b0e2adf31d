/** What other PBXs have of calls that records tell of. */
import t from 'tap';
import { journalModule } from '../../adapters/sqlite/journal/journal.ts';
import { sessionsModule } from '../../adapters/sqlite/sessions/sessions.ts';
import type { CdrCall } from '../../src/call/cdr/calls.ts';
import { knownCalls } from '../../src/daemon/known-calls.ts';
import { SAME_TIME } from '../../src/records/pbx-time.ts';
import { commit, frame, memoryDatabase, record } from '../adapters/sqlite/support.ts';
import { facts } from '../support/facts.ts';

const AT = 1_795_000_000_000;

/** Two PBXs; the second one told of the channel `heard`, has the open channel `open` and the stored call `stored`. */
function bench(recordsAt: { readonly pbx1: readonly string[]; readonly pbx2: readonly string[] }) {
  const db = memoryDatabase();
  const [journal, sessions] = [journalModule([])(db), sessionsModule(db)];
  const stamp = { source: 'pbx2', at: AT, receivedAt: AT };
  const created = { ...stamp, kind: 'channel-created', channel: 'heard', facts: facts('PJSIP/1001', 'heard') } as const;
  const own = { ...created, source: 'pbx1', channel: 'own', facts: facts('PJSIP/1001', 'own') };
  const ended = [
    record('pbx2-stored', { source: 'pbx2', external: '09845012345', externalE164: '+919845012345' }),
    record('pbx1-mine', { source: 'pbx1' }),
  ];
  commit(journal, { frames: [frame(created), frame(own)], ended });
  return knownCalls({
    sources: [
      { name: 'pbx1', recordsAt: recordsAt.pbx1 },
      { name: 'pbx2', recordsAt: recordsAt.pbx2 },
    ],
    store: {
      sessions: { byIds: async (args) => sessions.byIds(args) },
      journal: { frames: async (request) => journal.frames(request) },
      gaps: { list: async () => [] },
    },
    readerOf: () => null,
    pipeline: () => ({
      isOpen: (source, channel) => source === 'pbx2' && channel === 'open',
      settled: async () => true,
      timeOf: () => SAME_TIME,
      bootedAt: () => null,
      listedAt: () => null,
    }),
  });
}

/** A call that the records of pbx1 tell of. */
function told(id: string, externalE164: string | null = '+919811100002'): CdrCall {
  const ids = new Set([id, `${id}-leg`]);
  return { record: record(`pbx1-${id}`, { external: externalE164, externalE164 }), ids, channels: ids };
}

const span = { from: AT - 1000, to: AT + 1000 };
const calls = ['heard', 'open', 'stored', 'own', 'mine', 'nobody'].map((id) => told(id));

t.test('one table: stored, heard or going on at another PBX, under the id that both would give it', async (t) => {
  const known = bench({ pbx1: ['one', 'table cdr'], pbx2: ['table cdr'] });
  const { theirs, alike } = await known.elsewhere({ source: 'pbx1', calls, span });
  t.strictSame([...theirs].sort(), ['pbx1-heard', 'pbx1-open', 'pbx1-stored']);
  t.strictSame([...alike], []);
  const legs = ['heard', 'stored'].map((id) => ({ ...told(`${id}-first`), ids: new Set([`${id}-first`, id]) }));
  t.equal((await known.elsewhere({ source: 'pbx1', calls: legs, span })).theirs.size, 2, 'by any of its channels');
});

t.test('tables of their own: that both count alike after a power cut makes two calls not one', async (t) => {
  const known = bench({ pbx1: ['table cdr at 10.0.0.1'], pbx2: ['table cdr at 10.0.0.2'] });
  const { theirs, alike } = await known.elsewhere({ source: 'pbx1', calls, span });
  t.strictSame([...theirs], []);
  t.strictSame([...alike], ['pbx1-open'], 'what goes on is not known yet');
  const same = await known.elsewhere({ source: 'pbx1', calls: [told('stored', '+919845012345')], span });
  t.strictSame([...same.alike], ['pbx1-stored'], 'one table under two addresses: the number is the same');
  const none = bench({ pbx1: [], pbx2: [] });
  t.strictSame([...(await none.elsewhere({ source: 'pbx1', calls: [told('heard')], span })).theirs], []);
});
