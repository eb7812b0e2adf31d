/** The page in a real browser: complete and accessible in light and dark, on a telephone, by keyboard, without scripts. */
import { join } from 'node:path';
import t from 'tap';
import { settled } from '../cli/world.ts';
import { accessibility, noBrowser, openBrowser, screenshot } from './browser.ts';
import { fillDays } from './days.ts';
import { seen, served } from './served.ts';

t.setTimeout(175_000);

const CAPTURES = [
  ...['inbound_answered_caller_hangs_up', 'outbound_busy', 'internal_answered', 'queue_answered', 'hold_unhold'],
  ...['attended_transfer_refer', 'blind_transfer_refer', 'inbound_abandoned_ringing', 'ringgroup_second_answers'],
];
const PLACES = ['', 'calls', 'agents', 'gaps'];
/** Colours are another thing in the dark, widths on a telephone. */
const VIEWS = [
  ['light', { colorScheme: 'light', viewport: { width: 1280, height: 900 } }],
  ['dark', { colorScheme: 'dark', viewport: { width: 1280, height: 900 } }],
  ['telephone', { colorScheme: 'light', viewport: { width: 360, height: 740 } }],
] as const;

t.test('the page', { skip: noBrowser ?? false }, async (t) => {
  const { it, address, start } = await served(CAPTURES);
  const before = await fillDays(join(it.directory, 'logcalld.db'), Date.now());
  await start();
  const browser = await openBrowser();
  t.teardown(async () => {
    await browser.close();
    await it.end();
  });
  await settled(it, before + CAPTURES.length);

  for (const [name, view] of VIEWS) {
    await t.test(name, async (t) => {
      const { page, complaints } = await seen(browser, address, view);
      await page.locator('.plot canvas').nth(2).waitFor();
      const looked = async (place: string): Promise<void> => {
        if (name !== 'telephone') t.same(await accessibility(page), [], place);
        const wide = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
        t.ok(wide <= 0, `${place} is ${wide} px too wide`);
        await screenshot(page, `${place}-${name}`);
      };
      for (const place of PLACES) {
        await page.goto(`${address}${place}`);
        if (place === '') await page.locator('.plot canvas').nth(2).waitFor();
        await looked(place || 'now');
      }
      await page.goto(`${address}calls?agent=1003`);
      await page.click('tbody a');
      await page.waitForSelector('.ladder rect.talking');
      await looked('call');
      for (const summary of await page.$$('summary')) await summary.click();
      await looked('call-all');
      t.same(complaints, []);
      await page.context().close();
    });
  }

  await t.test('without scripts all of it is there', async (t) => {
    const { page } = await seen(browser, address, { javaScriptEnabled: false });
    t.match(await page.textContent('#verdict'), /Every call is being logged/);
    t.match(await page.textContent('#sources'), /asterisk.*heard/s);
    t.match(await page.textContent('.chart table'), /answered/);
    await page.goto(`${address}calls`);
    await page.fill('#number', '2345');
    await page.click('.search button');
    t.ok((await page.$$('tbody tr')).length >= 2);
    await page.click('tbody a');
    t.ok((await page.$$('.ladder rect')).length > 1);
    t.match(await page.textContent('#why'), /Direction: (In|Out)bound/);
    await page.context().close();
  });

  await t.test('with the keyboard alone', async (t) => {
    const { page } = await seen(browser, address);
    await page.keyboard.press('Tab');
    t.equal(await page.evaluate('document.activeElement.textContent'), 'To the content');
    await page.keyboard.press('Enter');
    t.equal(await page.evaluate('document.activeElement.id'), 'content');
    await page.goto(`${address}calls`);
    await page.focus('#number');
    await page.keyboard.type('2345');
    await page.keyboard.press('Enter');
    await page.waitForURL(/number=2345/);
    await page.focus('tbody a');
    await page.keyboard.press('Enter');
    await page.waitForURL(/calls\/asterisk-/);
    await page.context().close();
  });

  await t.test('numbers are whole when somebody asks for them', async (t) => {
    const { page } = await seen(browser, address);
    await page.goto(`${address}calls`);
    t.notMatch(await page.content(), /9845012345/);
    await page.click('text=Show whole numbers');
    await page.waitForSelector('text=Mask numbers');
    t.match(await page.content(), /\+919845012345/);
    await page.click('text=Mask numbers');
    await page.waitForSelector('text=Show whole numbers');
    t.notMatch(await page.content(), /9845012345/);
    await page.context().close();
  });
});
