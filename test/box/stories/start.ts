/** A start that takes longer than the unit allows. */
import { expect, type Story } from '../story.ts';
import { configure, entries, install, outside, packages } from '../world.ts';

export const longStart: Story = {
  name: 'a start that takes longer than the unit allows asks for time and becomes ready',
  async play(box) {
    const { current } = await packages();
    const pbx = await outside([], 4);
    try {
      await install(box, current);
      await configure(box, pbx);
      // Without room for the database it is tried again and again; that stands for whatever takes long before it is open.
      await box.must('mount -t tmpfs -o size=64k,mode=700 tmpfs /var/lib/logcalld');
      await box.write('/run/systemd/system/logcalld.service.d/short.conf', '[Service]\nTimeoutStartSec=15s\n');
      await box.must('systemctl daemon-reload && systemctl start --no-block logcalld');
      await box.until(
        'systemctl show -P ActiveEnterTimestampMonotonic logcalld; journalctl -q -t logcalld -o cat',
        ({ out }) => out.includes('"storage-full"'),
      );
      const began = Number(await box.must('systemctl show -P InactiveExitTimestampMonotonic logcalld'));
      const now = `awk '{ print int($1 * 1000000) }' /proc/uptime`;
      await box.until(now, ({ out }) => Number(out) > began + 20_000_000);
      const state = await box.must('systemctl show -p ActiveState,NRestarts,StatusText logcalld | sort');
      expect(
        state === 'ActiveState=activating\nNRestarts=0\nStatusText=opening the database\n',
        'after 20 s it is still waited for',
        state,
      );
      await box.must('mount -o remount,size=400m /var/lib/logcalld');
      await box.until('systemctl is-active logcalld', ({ out }) => out === 'active\n');
      const starts = (await entries(box)).filter(({ event }) => event === 'starting');
      expect(starts.length === 1, 'it was started once', starts);
    } finally {
      await pbx.close();
    }
  },
};
