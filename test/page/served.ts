/** A daemon with a page, and who looks at it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { until, world } from '../cli/world.ts';
import { freePort } from '../support/daemon.ts';
import { login, type Opened, openPage } from './browser.ts';

export const TOKEN = 'the token of the browser';
const LEAD = { id: '00000000-0000-4000-8000-0000000000a1', phone: '+91-9845012345' };

/** `captures`: as of `world`. The token is read from a file that the config names relative to itself. */
export async function served(captures: readonly string[], speed = 20) {
  const port = await freePort();
  const text = `[page]\nlisten = '127.0.0.1:${port}'\ntoken_file = 'page-token'\n`;
  const it = await world(captures, { leads: [LEAD] }, text, { speed });
  writeFileSync(join(it.directory, 'page-token'), `${TOKEN}\n`, { mode: 0o600 });
  const address = `http://127.0.0.1:${port}/`;
  const isThere = (): Promise<boolean> =>
    fetch(`${address}login`).then(
      ({ ok }) => ok,
      () => false,
    );
  return {
    ...{ it, address },
    /** Resolves when it can be looked at. */
    async start() {
      await it.start();
      await until(isThere, (there) => there);
    },
  };
}

/** Somebody who has logged in. */
export async function seen(
  browser: Browser,
  address: string,
  options: BrowserContextOptions = {},
  token = TOKEN,
): Promise<Opened> {
  const opened = await openPage(browser, options);
  await login(opened, address, token);
  return opened;
}
