/** Finding calls: each option of `calls` against calls that were played. */
import { expect, type Story } from '../story.ts';
import { outside, posted, serve } from '../world.ts';

/** What `calls --json` tells, as far as it is looked at. */
interface Listed {
  readonly record: {
    readonly callSessionId: string;
    readonly status: string;
    readonly direction: string;
    readonly agent: string | null;
    readonly responsible: string | null;
    readonly queue: string | null;
    readonly startedAt: number;
    readonly endedAt: number;
  };
}

export const found: Story = {
  name: 'calls: each option finds what was played, in the zone of the machine',
  async play(box) {
    const pbx = await outside(
      ['inbound_answered_caller_hangs_up', 'outbound_busy', 'queue_answered', 'inbound_abandoned_ringing'],
      4,
    );
    try {
      // Half an hour beside full ones, and it is day there, so that today is not over in the middle of the story.
      const zone = new Date().getUTCHours() < 12 ? 'Asia/Kolkata' : 'America/St_Johns';
      await box.must(`test -e /usr/share/zoneinfo/${zone} && ln -sf /usr/share/zoneinfo/${zone} /etc/localtime`);
      await serve(box, pbx);
      await posted(pbx.sandbox, 4);
      await box.until('logcalld status', ({ code }) => code === 0);
      const list = async (options: string): Promise<readonly Listed[]> => {
        const out = await box.must(`logcalld calls --json ${options}`);
        return out
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line));
      };
      const all = await list('');
      expect(all.length === 4, 'all of them', all);
      const [answered] = all.filter(({ record }) => record.agent === '1001' && record.direction === 'Inbound');
      const [queued] = all.filter(({ record }) => record.queue !== null);
      if (answered === undefined || queued === undefined) throw new Error(`not as recorded: ${JSON.stringify(all)}`);
      const clock = (timeZone: string, at: number): string =>
        new Date(at).toLocaleTimeString('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' });
      const finds = async (options: string, wanted: (record: Listed['record']) => boolean): Promise<void> => {
        const ids = (calls: readonly Listed[]): string => calls.map(({ record }) => record.callSessionId).join();
        const [have, want] = [await list(options), all.filter(({ record }) => wanted(record))];
        expect(want.length > 0 && ids(have) === ids(want), `calls ${options}`, { have: ids(have), want: ids(want) });
      };
      const { startedAt } = answered.record;
      const minute = Math.floor(startedAt / 60_000) * 60_000;
      const around = ({ startedAt: from, endedAt: to }: Listed['record']): boolean =>
        from < minute + 120_000 && to >= minute - 60_000;
      await Promise.all([
        finds(`--at ${clock(zone, startedAt)}`, around),
        finds(`--utc --at ${new Date(startedAt).toISOString().slice(0, 16)}`, around),
        finds('--at today', () => true),
        finds('--since today', () => true),
        finds('--agent 1001', ({ responsible }) => responsible === '1001'),
        finds('--agent 1003', ({ responsible }) => responsible === '1003'),
        finds('--user agent1003@example.com', ({ responsible }) => responsible === '1003'),
        finds('--status busy', ({ status }) => status === 'Busy'),
        finds('--status abandoned,answered', ({ status }) => status === 'Abandoned' || status === 'Answered'),
        finds(`--queue ${queued.record.queue}`, ({ queue }) => queue === queued.record.queue),
        finds('--direction outbound', ({ direction }) => direction === 'Outbound'),
      ]);
      const none = ['--at yesterday', '--until today', '--queue nobody', "--at 'yesterday 10:02'"].map(list);
      expect((await Promise.all(none)).flat().length === 0, 'none of another time or queue', await Promise.all(none));

      // What a person reads.
      const local = await box.must('logcalld calls --status busy');
      const utc = await box.must('logcalld calls --status busy --utc');
      const [busy] = all.filter(({ record }) => record.status === 'Busy');
      expect(local.includes(`${clock(zone, busy?.record.startedAt ?? 0)}:`), 'local times', local);
      expect(/^TIME \(\S+, UTC[+-]\d\d:30\)/.test(local), 'the zone is told', local);
      expect(
        utc.includes(`${clock('UTC', busy?.record.startedAt ?? 0)}:`) && /^TIME \(UTC\)/.test(utc),
        'times in UTC',
        utc,
      );
      for (const [typed, told] of [
        ['--status parked', /--state parked/],
        ['--state busy', /--status Busy/],
        ['--agent nobody', /nobody/],
      ] as const) {
        const ran = await box.run(`logcalld calls ${typed}`);
        expect(ran.code !== 0 && told.test(ran.error), `calls ${typed}: what is meant`, ran);
      }
    } finally {
      await pbx.close();
    }
  },
};
