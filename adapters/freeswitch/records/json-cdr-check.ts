/** What can be said of folders of mod_json_cdr from their latest files. */
import { stat } from 'node:fs/promises';
import { type RecordsCheck, RecordsError } from '../../../src/records/port.ts';
import type { CdrLeg } from '../cdr/leg.ts';
import { folderProblem, RecordFolders } from './folder.ts';
import type { SkipTally } from './skipped.ts';

/** Files that are looked at. */
const LOOKED_AT = 100;

/** Never rejects. `readLeg`: the leg in a file, anything else when there is none. */
export async function checkJsonCdr(
  folders: readonly string[],
  readLeg: (path: string, skipped: SkipTally) => Promise<CdrLeg | string | null>,
  skipped: SkipTally,
): Promise<RecordsCheck> {
  try {
    const legs: CdrLeg[] = [];
    const files = await new RecordFolders(folders).newest(LOOKED_AT, skipped);
    for (const { path } of files) {
      const leg = await readLeg(path, skipped);
      if (leg !== null && typeof leg !== 'string') legs.push(leg);
    }
    if (files.length > 0 && legs.length === 0) {
      const why = skipped.take()[0]?.why;
      return { problem: why ?? `${files[0]?.path}: is no whole record yet; look again in a minute.`, hints: [] };
    }
    return { problem: null, hints: await hintsFor(folders, legs) };
  } catch (error) {
    if (error instanceof RecordsError) return { problem: error.message, hints: [] };
    return { problem: folderProblem(folders[0] ?? '', error), hints: [] };
  }
}

async function hintsFor(folders: readonly string[], legs: readonly CdrLeg[]): Promise<string[]> {
  const [folder = ''] = folders;
  if (legs.length === 0) {
    const changed = await stat(folder).catch(() => null);
    const since = changed === null ? '' : ', though it exists';
    return [
      `${folder} holds no record of a call${since}: see that modules.conf.xml has <load module="mod_json_cdr"/> and ` +
        `json_cdr.conf.xml <param name="log-dir" value="${folder}"/>; where it has a url, add <param name="log-http-and-disk" value="true"/>.`,
    ];
  }
  const calls = legs.some((leg) => leg.calls.some((one) => one.dialled));
  if (!calls || legs.some((leg) => leg.called)) return [];
  return [
    'The legs that are called have no records, so a phone that a transfer or a hunt tried is not always known: in json_cdr.conf.xml ' +
      'set <param name="log-b-leg" value="true"/>, then reload mod_json_cdr.',
  ];
}
