/** What other PBXs have of calls that records tell of. */
import t from 'tap';
import { journalModule } from '../../adapters/sqlite/journal/journal.ts';
import { sessionsModule } from '../../adapters/sqlite/sessions/sessions.ts';
import { knownCalls } from '../../src/daemon/known-calls.ts';
import { SAME_TIME } from '../../src/records/pbx-time.ts';
import { commit, frame, memoryDatabase, record } from '../adapters/sqlite/support.ts';
import { facts } from '../support/facts.ts';

const AT = 1_795_000_000_000;

t.test('stored, heard or going on at another PBX, under the id that both would give it', async (t) => {
  const db = memoryDatabase();
  const [journal, sessions] = [journalModule([])(db), sessionsModule(db)];
  const stamp = { source: 'pbx2', at: AT, receivedAt: AT };
  const created = { ...stamp, kind: 'channel-created', channel: 'heard', facts: facts('PJSIP/1001', 'heard') } as const;
  const own = { ...created, source: 'pbx1', channel: 'own', facts: facts('PJSIP/1001', 'own') };
  const ended = [record('pbx2-stored', { source: 'pbx2' }), record('pbx1-mine', { source: 'pbx1' })];
  commit(journal, { frames: [frame(created), frame(own)], ended });
  const known = knownCalls({
    sources: [{ name: 'pbx1' }, { name: 'pbx2' }],
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
  const ids = new Set(['heard', 'open', 'stored', 'own', 'mine', 'nobody']);
  const taken = await known.elsewhere({ source: 'pbx1', ids, span: { from: AT - 1000, to: AT + 1000 } });
  t.strictSame([...taken].sort(), ['heard', 'open', 'stored']);
});
