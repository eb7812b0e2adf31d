/** What an open page keeps while its parts are sent anew, and what it says of its connection. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import t from 'tap';
import type { Status } from '../../src/page/ask.ts';
import { noBrowser, openBrowser } from './browser.ts';
import { pageOn, statusOf, TOKEN } from './fake.ts';
import { seen } from './served.ts';

t.setTimeout(100_000);

/** So many requests today, and these codes of parked calls. */
function told(usedToday: number, ...codes: readonly string[]): Status {
  const status = statusOf({ at: usedToday });
  const { delivery, counts } = status;
  if (delivery === null) throw new Error('it posts');
  const reasons = codes.map((code) => ({ code, count: 1, fresh: 0 }));
  return {
    ...status,
    delivery: { ...delivery, permits: { ...delivery.permits, usedToday } },
    counts: {
      ...counts,
      states: { ...counts.states, parked: codes.length },
      parked: { ...counts.parked, reasons },
    },
  };
}

t.test('an open page', { skip: noBrowser ?? false }, async (t) => {
  let status = told(1, 'rejected');
  const fake = pageOn({}, status, [], async () => status);
  const listener = getRequestListener(fake.fetch);
  let silent = false;
  const held: (() => void)[] = [];
  const server = createServer((request, response: ServerResponse) => {
    const answer = () => void listener(request, response);
    if (silent && request.url === '/events') held.push(answer);
    else answer();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const browser = await openBrowser();
  t.teardown(async () => {
    await browser.close();
    server.closeAllConnections();
    server.close();
  });
  const { page, complaints } = await seen(browser, address, { viewport: { width: 1280, height: 500 } }, TOKEN);
  await page.clock.install();
  await page.goto(address);
  const used = (n: number) => page.waitForSelector(`#delivery >> text=${n} today`);
  const focused = () => page.evaluate<string>('document.activeElement.closest("form, section").textContent.trim()');
  /** Whether what is said of the connection stands in the window. */
  const seenAt = () =>
    page.evaluate<boolean>(
      '(({ top, bottom }) => top >= 0 && bottom <= innerHeight)(document.querySelector("#link").getBoundingClientRect())',
    );
  await page.waitForSelector('#link >> text=Live.');

  await t.test('goes on while something in it has the focus, which stays', async (t) => {
    await page.focus('text=Pause posting');
    status = told(2, 'rejected');
    await used(2);
    t.equal(await focused(), 'Pause posting');
    await page.focus('#attention button');
    status = told(3, 'no-user', 'rejected');
    await page.waitForSelector('#attention tbody:nth-of-type(2)');
    const reason = 'document.activeElement.form.elements.reason.value';
    t.equal(await page.evaluate(reason), 'rejected', 'a button of another row has not taken its place');
    status = told(4, 'no-user');
    await page.waitForSelector('#attention tbody:nth-of-type(2)', { state: 'detached' });
    t.equal(await page.evaluate('document.activeElement.id'), 'attention');
  });

  await t.test('leaves alone what somebody marks or presses, for some seconds', async (t) => {
    await page.evaluate('getSelection().selectAllChildren(document.querySelector("#delivery h2"))');
    status = told(5, 'no-user', 'rejected');
    await page.waitForSelector('#attention tbody:nth-of-type(2)');
    t.match(await page.textContent('#delivery'), /4 today/);
    t.equal(await page.evaluate('String(getSelection())'), 'LeadSquared');
    await page.clock.fastForward(9000);
    await used(5);
  });

  await t.test('says when nothing comes any more, and connects anew', async (t) => {
    silent = true;
    await page.clock.fastForward(41_000);
    await page.waitForSelector('#link >> text=Not connected');
    await page.evaluate('scrollTo(0, 0)');
    t.ok(await seenAt(), 'wherever somebody looks');
    await page.waitForSelector('.verdict.well', { state: 'detached' });
    silent = false;
    status = told(6, 'no-user');
    for (const answer of held.splice(0)) answer();
    await page.waitForSelector('#link >> text=Live.');
    await used(6);
    await page.waitForSelector('.verdict.well');
  });

  await t.test('tells hours by the clock of the page, whatever that of the browser is', async (t) => {
    const elsewhere = await seen(
      browser,
      address,
      { timezoneId: 'Pacific/Apia', viewport: { width: 600, height: 400 } },
      TOKEN,
    );
    const plot = elsewhere.page.locator('.u-over').first();
    const { width = 0, height = 0 } = (await plot.boundingBox()) ?? {};
    await plot.hover({ position: { x: width - 2, y: height / 2 } });
    const last = await elsewhere.page.textContent('.chart tbody tr:last-child time');
    const label = await elsewhere.page.textContent('.u-legend .u-value');
    t.equal(label, last?.slice(11, 16));
    t.same(elsewhere.complaints, []);
  });
  t.same(complaints, []);
});
