/** Writes man pages and completions anew: `npm run manual`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FOLDER, made } from './made.ts';

mkdirSync(FOLDER, { recursive: true });
for (const { name, text } of made()) writeFileSync(join(FOLDER, name), text);
