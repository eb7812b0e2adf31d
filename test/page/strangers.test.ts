/** What web pages of others, and names that PBXs made up, come to in a real browser. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { settled, until } from '../cli/world.ts';
import { noBrowser, openBrowser, openPage } from './browser.ts';
import { seen, served } from './served.ts';

t.setTimeout(150_000);

t.test('strangers', { skip: noBrowser ?? false }, async (t) => {
  const { it, address, start } = await served(['weird_names']);
  await start();
  const browser = await openBrowser('evil.example');
  t.teardown(async () => {
    await browser.close();
    await it.end();
  });

  await t.test('can neither read nor frame it, nor have it do something', async (t) => {
    const evil = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(`<title>reading</title><form method="post" action="${address}pause"><input name="csrf" value="x"></form>
        <iframe src="${address}"></iframe><script>
        fetch('${address}', { credentials: 'include' }).then(() => { document.title = 'read' }, () => { document.title = 'kept out' })
        </script>`);
    }).listen(0, '127.0.0.1');
    await once(evil, 'listening');
    t.teardown(() => evil.close());
    const { port } = evil.address() as AddressInfo;
    const { page } = await seen(browser, address);
    // For cookies it is the same site, so that they are sent along: another port of the same machine.
    await page.goto(`http://127.0.0.1:${port}/`);
    const title = await until(
      () => page.title(),
      (now) => now !== 'reading',
    );
    t.equal(title, 'kept out');
    t.notOk(
      page.frames().some((frame) => frame.url() === address),
      'not in a frame either',
    );
    const answer = page.waitForResponse((one) => one.url().endsWith('/pause'));
    await page.evaluate('document.forms[0].submit()');
    t.equal((await answer).status(), 403);
    t.equal((await it.daemon().delivery.snapshot()).paused, false);
    await page.context().close();
  });

  await t.test('a name of theirs that leads here is refused', async (t) => {
    const { page } = await openPage(browser);
    const answer = await page.goto(address.replace('127.0.0.1', 'evil.example'));
    t.equal(answer?.status(), 403);
  });

  await t.test('names that callers made up are text', async (t) => {
    await it.player.done;
    const { page, complaints } = await seen(browser, address);
    const calls = await it.daemon().delivery.snapshot();
    await page.goto(`${address}calls`);
    const links = await page.locator('tbody a').evaluateAll((all) => all.map((one) => one.getAttribute('href') ?? ''));
    t.ok(links.length > 0, `${JSON.stringify(calls.states)}`);
    for (const link of links) {
      await page.goto(new URL(link, address).href);
      t.equal(await page.locator('main script, main img, main iframe').count(), 0);
    }
    t.same(complaints, []);
    await page.context().close();
  });
  await settled(it, (await it.daemon().delivery.snapshot()).states.delivered);
});
