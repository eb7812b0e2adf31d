/** A real Chromium (Debian's package `chromium`), driven by playwright. */
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const CHROMIUM = process.env.LOGCALLD_CHROMIUM ?? '/usr/bin/chromium';

/** Why there is none, `null`: there is one. */
export const noBrowser = existsSync(CHROMIUM)
  ? null
  : `${CHROMIUM} is not there: apt-get install chromium, or name another one in LOGCALLD_CHROMIUM`;

/** `maps`: host names that lead to this machine. */
export const openBrowser = (...maps: readonly string[]): Promise<Browser> =>
  chromium.launch({
    executablePath: CHROMIUM,
    // In a container it has no rights of its own to give away; what it loads are our own pages.
    args: [
      '--no-sandbox',
      ...(maps.length === 0 ? [] : [`--host-resolver-rules=${maps.map((name) => `MAP ${name} 127.0.0.1`).join(',')}`]),
    ],
  });

export interface Opened {
  readonly page: Page;
  /** Errors of scripts, and what the policy of the page kept from being loaded. */
  readonly complaints: string[];
}

export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (line) => {
    if (line.type() === 'error' || line.type() === 'warning') complaints.push(line.text());
  });
  page.on('dialog', (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return { page, complaints };
}

export async function login({ page }: Pick<Opened, 'page'>, address: string, token: string): Promise<void> {
  await page.goto(address);
  await page.fill('#token', token);
  await page.click('button');
  await page.waitForURL(address);
}

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** What axe-core finds by the rules of WCAG 2.2, A and AA: of each kind the first place. */
export async function accessibility(page: Page): Promise<readonly string[]> {
  // The policy of the page lets no script in but its own: the browser's side door does.
  const { readFile } = await import('node:fs/promises');
  const source = await readFile(AXE, 'utf8');
  await page.evaluate(source);
  const violations = await page.evaluate(async (): Promise<Violation[]> => {
    const axe = (globalThis as unknown as { axe: { run(what: object): Promise<{ violations: Violation[] }> } }).axe;
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    return (await axe.run({ runOnly: { type: 'tag', values: tags } })).violations;
  });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.length} x ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
}

/** Kept where `LOGCALLD_SCREENSHOTS` names a folder. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env.LOGCALLD_SCREENSHOTS;
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
