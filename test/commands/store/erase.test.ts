/** What `logcalld erase` asks of the daemon, and what it tells of the answers. */
import { appendFileSync } from 'node:fs';
import t from 'tap';
import type { Handlers, Replies, RequestOf } from '../../../adapters/control/api.ts';
import { openControl } from '../../../adapters/control/server.ts';
import { loadConfig } from '../../../config/load.ts';
import { controlPath } from '../../../src/commands/control.ts';
import { VERSION } from '../../../src/daemon/version.ts';
import { command } from '../../cli/world.ts';
import { installation } from '../../support/daemon.ts';

t.setTimeout(60_000);

type Page = Replies['erase'];
const NONE: Page = {
  ...{ calls: 0, deliveries: 0, waiting: [], leads: 0, frames: 0, needed: 0, damaged: 0, live: 0, cursor: null },
};

/** A daemon that answers with these pages, one after the other, and notes what it was asked. */
async function daemon(t: { teardown(run: () => Promise<void>): unknown }, ...pages: readonly Partial<Page>[]) {
  const place = await installation(
    { asterisk: 1 },
    { url: 'http://127.0.0.1:1', accessKey: 'access', secretKey: 'secret' },
  );
  const config = { ...loadConfig(place.config), file: place.config };
  const control = await openControl(controlPath(config, {}));
  t.teardown(async () => {
    await control.close();
    await place.remove();
  });
  const asked: RequestOf<'erase'>[] = [];
  const left = [...pages];
  const handlers: Partial<Handlers> = {
    hello: async () => ({ version: VERSION, pid: process.pid, database: config.storage.path }),
    async erase(request) {
      asked.push(request);
      return { ...NONE, ...left.shift(), cursor: left.length > 0 ? 'x' : null };
    },
    tidy: async () => ({ left: null, others: [] }),
  };
  control.serve(handlers as Handlers);
  return {
    config: place.config,
    asked,
    run: (...words: readonly string[]) => command('erase', ...words, '--config', place.config),
  };
}

t.test('a number that exists only inside its country is erased by its digits', async (t) => {
  const { asked, run } = await daemon(t);
  t.match(await run('--number', '1800 123 4567'), { code: 0, out: /^Erased: 0 calls/, error: '' });
  t.match(asked, [{ digits: '18001234567', e164: null }]);
});

t.test('a call of the number that ended while it was erased may be stored by now: it is told', async (t) => {
  const { run } = await daemon(t, { live: 1 }, { calls: 2, deliveries: 1 });
  const { code, out, error } = await run('--number', '+919845012345');
  t.match(out, /^Erased: 2 calls .* and in what LeadSquared was sent or answered about 1 other call\./);
  t.equal(code, 1);
  t.match(error, /1 call with the number goes on or has just ended: erase again when over\./);
});

t.test('where the PBXs are in several countries, the number says of which it is', async (t) => {
  const { config, asked, run } = await daemon(t);
  const dubai = "[[source]]\ntype = 'asterisk'\nname = 'dubai'\nhost = '127.0.0.2'\nusername = 'x'\ncountry = 'AE'\n";
  appendFileSync(config, `\n${dubai}`);
  const { code, error } = await run('--number', '98450 12345');
  t.equal(code, 2);
  t.match(error, /several countries \(IN, AE\): write the number with \+ and its country code/);
  t.same(asked, []);
  t.match(await run('--number', '+971 4 123 4567'), { code: 0, error: '' });
  t.match(asked, [{ e164: '+97141234567' }]);
});
