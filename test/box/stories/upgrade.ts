/** Upgrades that work, that are refused, and the way back. */
import type { Box } from '../box.ts';
import { expect, type Story } from '../story.ts';
import { configure, entries, install, NEWER, outside, packages, posted } from '../world.ts';

const mainPid = (box: Box): Promise<string> => box.must('systemctl show -P MainPID logcalld');
const runningVersion = async (box: Box): Promise<unknown> =>
  (await entries(box)).findLast(({ event }) => event === 'starting')?.text;

/** Whose posts wait for their answers longer than an upgrade takes, and are looked for soon afterwards. */
const patient = (config: string): string =>
  `${config.replace('[leadsquared]\n', "[leadsquared]\nreply_timeout = '3m'\ntotal_timeout = '4m'\n")}
[leadsquared.uncertain]
wait = '2s'
`;

export const upgraded: Story = {
  name: 'upgrade with a call and a post under way: none lost, none doubled',
  async play(box) {
    const { current, newer } = await packages();
    const pbx = await outside(['inbound_answered_caller_hangs_up', 'outbound_busy'], 0.2);
    try {
      await install(box, current);
      await configure(box, { ...pbx, config: patient(pbx.config) });
      // The first post is carried out, and still waits for its answer when the old daemon is asked to stop.
      pbx.sandbox.addFaults({ match: { path: 'LogCall' }, fault: { kind: 'timeout', commit: true } });
      const underWay = pbx.sandbox.next(({ request }) => request.path.includes('LogCall'));
      await box.must('systemctl enable --now logcalld');
      await pbx.player.reached(
        (packet) => packet.get('Event') === 'BridgeEnter' && packet.get('BridgeNumChannels') === '2',
      );
      // However long it takes, the call goes on.
      pbx.player.setFaults({ held: true });
      await underWay;
      const ran = await install(box, newer);
      expect(ran.code === 0, 'apt upgrades it', ran);
      expect((await runningVersion(box)) === `logcalld ${NEWER}`, 'the new version runs', await runningVersion(box));
      pbx.player.setFaults({});
      await pbx.player.done;
      await posted(pbx.sandbox, 2);
      await box.until('logcalld status --json', ({ out }) => /"delivered":2/.test(out.replaceAll(' ', '')));
      const log = await entries(box);
      const at = (found: (entry: Record<string, unknown>) => boolean): number => log.findIndex(found);
      const second = at(({ text }) => text === `logcalld ${NEWER}`);
      const ended = log.flatMap(({ event }, place) => (event === 'call-ended' ? [place] : []));
      expect(ended.length === 2 && second < (ended[1] ?? 0), 'a call went on over the restart', log);
      const logged = at(({ event }) => event === 'call-logged');
      expect(logged > second, 'a post was under way at the stop, and was looked for afterwards', log);
      expect(pbx.sandbox.ledger.calls().length === 2, 'both are posted', pbx.sandbox.ledger.calls());
      expect(pbx.sandbox.ledger.doubled().length === 0, 'neither twice', pbx.sandbox.ledger.doubled());
      const trees = await box.must('ls -d /usr/lib/logcalld/running.* | wc -l');
      expect(trees === '1\n', 'the old program is gone', trees);
    } finally {
      await pbx.close();
    }
  },
};

export const refused: Story = {
  name: 'an upgrade whose config is refused leaves the old daemon running; a downgrade below the database is refused',
  async play(box) {
    const { current, newer, version } = await packages();
    const pbx = await outside(['outbound_busy'], 4);
    try {
      await install(box, current);
      await configure(box, pbx);
      await box.must('systemctl enable --now logcalld');
      const before = await mainPid(box);
      await box.must('echo "[filters]\ninternall = true" >> /etc/logcalld/logcalld.toml');
      const bad = await install(box, newer);
      expect(bad.code !== 0, 'apt says that it is not done', bad);
      expect(/filters\.internall/.test(bad.out + bad.error), 'and why', bad);
      expect(/dpkg --configure logcalld/.test(bad.out + bad.error), 'and how to go on', bad);
      expect((await mainPid(box)) === before, 'the old daemon runs on', await mainPid(box));
      await posted(pbx.sandbox, 1);
      await box.until('logcalld status', ({ code }) => code === 0);
      expect((await box.must('logcalld version')).includes(version), 'its command is its own', '');
      const program = await box.must(`readlink /proc/${before.trim()}/exe`);
      expect(/\/running\.\w+\/bin\/node\n$/.test(program), 'from files that dpkg did not touch', program);
      const config = await box.must("sed -i '/internall/d' /etc/logcalld/logcalld.toml && dpkg --configure logcalld");
      expect((await box.run('dpkg -s logcalld')).out.includes('Status: install ok installed'), 'mended', config);
      expect((await runningVersion(box)) === `logcalld ${NEWER}`, 'the new version runs', await runningVersion(box));

      // The version above is taken to have a schema of its own.
      await box.must('systemctl stop logcalld');
      const schema = `const { default: Sqlite } = await import('better-sqlite3');
        const db = new Sqlite('/var/lib/logcalld/logcalld.db');
        db.pragma('user_version = 9999');`;
      await box.must(`cd /usr/lib/logcalld/program && ./bin/node --input-type=module -e "${schema}"`);
      const back = await install(box, current);
      expect(back.code !== 0, 'the older package is refused', back);
      expect(/9999.*stays/.test(back.out + back.error), 'and says why', back);
      expect((await box.must('logcalld version')).includes(NEWER), 'the newer one stays whole', '');
      expect((await box.run('dpkg -s logcalld')).out.includes('Status: install ok installed'), 'also to dpkg', '');
      await box.must('apt-get remove -y logcalld');
      const afresh = await install(box, current);
      expect(afresh.code !== 0 && /has 9999/.test(afresh.out + afresh.error), 'nor is it after a removal', afresh);
    } finally {
      await pbx.close();
    }
  },
};
