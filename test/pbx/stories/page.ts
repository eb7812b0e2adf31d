/** Somebody looks at the page while a customer is on the line. */

import { openBrowser } from '../../page/browser.ts';
import { seen } from '../../page/served.ts';
import { COMPANY } from '../pbx.ts';
import { bothEnded } from '../sip/call.ts';
import { answeredInbound, inboundCall, type Story } from '../story.ts';

export const page: readonly Story[] = [
  {
    name: 'the page: a call is seen while it goes on, and when it is logged',
    async play(lab) {
      const { address, token } = lab.page;
      const browser = await openBrowser();
      try {
        const { page } = await seen(browser, address, {}, token);
        const customer = lab.newNumber();
        const { caller, agent } = await answeredInbound(lab, COMPANY.direct, '1001', customer);
        const shown = `***${customer.slice(-4)}`;
        await page.waitForSelector(`#live tr:has-text("${shown}"):has-text("1001"):has-text("talking for")`);
        await caller.hangUp();
        await bothEnded(caller, agent);
        await page.waitForSelector(`#live tr:has-text("${shown}")`, { state: 'detached' });
        await page.goto(`${address}calls?number=${customer.slice(-6)}`);
        await page.click('tbody a');
        await page.waitForSelector('.ladder rect.talking');
        return [inboundCall('Answered', caller, ['1001'], agent)];
      } finally {
        await browser.close();
      }
    },
  },
];
