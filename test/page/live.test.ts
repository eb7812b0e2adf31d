/** Calls go on, are refused, and are sent again, before the eyes of somebody who loads nothing anew. */
import { join } from 'node:path';
import t from 'tap';
import { until } from '../cli/world.ts';
import { noBrowser, openBrowser, screenshot } from './browser.ts';
import { fillDays } from './days.ts';
import { seen, served } from './served.ts';

t.setTimeout(150_000);

t.test('what happens is seen', { skip: noBrowser ?? false }, async (t) => {
  const { it, address, start } = await served(['queue_answered', 'outbound_busy'], 0.5);
  const browser = await openBrowser();
  t.teardown(async () => {
    await browser.close();
    await it.end();
  });
  const rejection = { kind: 'mx', status: 400, message: 'The number +919845012345 is wrong' } as const;
  it.sandbox.addFaults({ match: { path: 'LogCall', nth: 1 }, fault: rejection });
  // Nothing goes on before somebody looks.
  it.player.setFaults({ mute: true });
  await fillDays(join(it.directory, 'logcalld.db'), Date.now());
  await start();
  const { page, complaints } = await seen(browser, address);
  t.match(await page.textContent('#live'), /No call goes on/);
  const charted = await page.textContent('#charts details table');
  it.player.setFaults({});
  await page.waitForSelector('#live tbody tr');
  const first = await page.textContent('#live [data-since]');
  await page.waitForSelector(`#live [data-since]:not(:text-is("${first}"))`);
  await page.waitForSelector('#live >> text=talking for');
  await screenshot(page, 'live');
  await page.waitForSelector('#live tbody', { state: 'detached', timeout: 60_000 });
  await until(
    () => page.textContent('#charts details table'),
    (counted) => counted !== charted,
  );
  await page.waitForSelector('#charts canvas');
  await page.waitForSelector('#attention tbody tr');
  await page.waitForSelector('#verdict >> text=Something needs attention');
  await screenshot(page, 'attention');
  const before = it.sandbox.ledger.calls().length;
  await page.click('#attention td a');
  await page.click('tbody a');
  await page.click('text=Send again');
  await until(
    () => it.sandbox.ledger.calls().length,
    (calls) => calls === before + 1,
  );
  await page.goto(address);
  await page.waitForSelector('#attention tbody', { state: 'detached' });
  await page.waitForSelector('#verdict >> text=Every call is being logged');
  t.same(it.sandbox.ledger.doubled(), []);

  await t.test('posting is paused and goes on', async (t) => {
    await page.click('text=Pause posting');
    await page.waitForSelector('text=Go on posting');
    t.equal((await it.daemon().delivery.snapshot()).paused, true);
    await page.waitForSelector('#verdict >> text=paused by an operator');
    await page.click('text=Go on posting');
    await page.waitForSelector('text=Pause posting');
    t.equal((await it.daemon().delivery.snapshot()).paused, false);
  });

  await t.test('a daemon that went away is told', async (t) => {
    await it.stop();
    await page.waitForSelector('#link >> text=Not connected');
    await start();
    await page.goto(address);
    t.match(page.url(), /login/, 'a restart ends the sessions');
  });
  t.same(
    complaints.filter((text) => !/ERR_CONNECTION|Failed to load resource/.test(text)),
    [],
  );
});
