/** What a caller or a PBX wrote steers no terminal, and hides nothing. */

import { freePort } from '../../support/daemon.ts';
import type { Box } from '../box.ts';
import { expect, type Story } from '../story.ts';
import { altered, outside, posted, serve } from '../world.ts';

/** The title of the window, a cleared screen, red letters, a line that goes backwards, a zero-width and a C1 sign. */
const EVIL = '\u001b]0;owned\u0007\u001b[2J\u001b[31m\u202eBob\u200b\u009b5m';
/** Written here by themselves: Unicode's controls, formats and separators, the end of a line aside. */
const RAW = /[\p{Cf}\p{Zl}\p{Zp}]|(?!\n)\p{Cc}/u;

/** Each for all calls, or for the one with the ID. */
const OUTPUTS = [
  ...['calls --numbers', 'calls --json --numbers', 'status', 'status --json', 'users', 'gaps --calls', 'doctor'],
  ...[
    'calls show ID --body',
    'calls show ID --json --numbers',
    'explain ID --numbers',
    'replay ID --dry-run --force --numbers',
  ],
];

export const clean: Story = {
  name: 'names, numbers and channels with escapes, signs that turn text and invisible ones are shown, never sent on',
  async play(box) {
    const named = await altered('inbound_answered_caller_hangs_up', (packet) =>
      packet
        .replaceAll(/^((?:CallerID|ConnectedLine)Name: )(?!<unknown>|Asha)\S.*$/gm, `$1${EVIL}`)
        .replaceAll('PJSIP/trunk-in', `PJSIP/trunk${EVIL}-in`),
    );
    const numbered = await altered('queue_abandoned', (packet) =>
      packet.replaceAll('+919900112233', `+919900112233\u202e\u001b[7m`).replaceAll('Queue: ', `Queue: ${EVIL}`),
    );
    const port = await freePort();
    const pbx = await outside([named, numbered], 2, { port });
    try {
      await serve(box, pbx);
      const watched = watch(box, ['tail', 'tail --json --numbers', 'tail --raw', 'calls --watch']);
      // Of the three that hold a connection.
      await box.until("grep -c ' 03 .*/run/logcalld/control.sock' /proc/net/unix", ({ out }) => Number(out) >= 3);
      await pbx.player.listen(port);
      await posted(pbx.sandbox, 2);
      await box.until('logcalld status', ({ out }) => /2 delivered/.test(out));
      const ids = pbx.sandbox.ledger.calls().map(({ body }) => String(body.CallSessionId));
      const typed = OUTPUTS.flatMap((words) =>
        words.includes('ID') ? ids.map((id) => words.replace('ID', id)) : [words],
      );
      const shown = new Map(await watched());
      await Promise.all(
        typed.map(async (words) => {
          const { out, error } = await box.run(`logcalld ${words}`);
          shown.set(words, out + error);
        }),
      );
      shown.set('the journal', await box.must('journalctl --no-pager -q -a -t logcalld -o cat'));
      shown.set('systemctl status', await box.must('systemctl show -P StatusText logcalld'));
      for (const [where, text] of shown) {
        const raw = RAW.exec(text);
        expect(raw === null, `${where}: nothing raw`, JSON.stringify(text.slice(raw?.index ?? 0).slice(0, 200)));
      }
      // It is there, to be read.
      for (const where of [
        ...['calls --json --numbers', 'tail', 'tail --json --numbers', 'tail --raw'],
        ...ids.slice(0, 1).map((id) => `calls show ${id} --body`),
      ]) {
        expect(shown.get(where)?.includes('\\u001b') === true, `${where}: shows that it was there`, shown.get(where));
      }
    } finally {
      await pbx.close();
    }
  },
};

/** Begins these at once; what was printed by each is there when the answer is called, which ends them. */
function watch(box: Box, commands: readonly string[]): () => Promise<ReadonlyMap<string, string>> {
  const running = commands.map(
    async (words, at) => [words, await box.run(`echo $$ > /run/watching-${at}; exec logcalld ${words}`)] as const,
  );
  return async () => {
    await box.must('for file in /run/watching-*; do kill -INT "$(cat "$file")"; done');
    return new Map((await Promise.all(running)).map(([words, { out, error }]) => [words, out + error]));
  };
}
