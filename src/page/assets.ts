/** Files for the browser: ours, and those of uPlot as it is published. Read once. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Context, Hono } from 'hono';
import type { Env } from './guard.ts';

const TYPES = { css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8', svg: 'image/svg+xml' } as const;

const own = (name: string): Buffer => readFileSync(new URL(`./assets/${name}`, import.meta.url));
const require = createRequire(import.meta.url);
const ofUplot = (name: string): Buffer => readFileSync(require.resolve(`uplot/dist/${name}`));

export function serveAssets(app: Hono<Env>): void {
  const files: Readonly<Record<string, Buffer>> = {
    'style.css': own('style.css'),
    'live.js': own('live.js'),
    'charts.js': own('charts.js'),
    'icon.svg': own('icon.svg'),
    'uplot.js': ofUplot('uPlot.iife.min.js'),
    'uplot.css': ofUplot('uPlot.min.css'),
  };
  for (const [name, bytes] of Object.entries(files)) {
    const tag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
    const type = TYPES[name.slice(name.lastIndexOf('.') + 1) as keyof typeof TYPES];
    app.get(`/assets/${name}`, (c: Context) => {
      c.header('etag', tag);
      c.header('cache-control', 'no-cache');
      if (c.req.header('if-none-match') === tag) return c.body(null, 304);
      return c.body(new Uint8Array(bytes), 200, { 'content-type': type });
    });
  }
}
