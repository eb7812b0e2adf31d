/** A long file of records is read in small pages, and in a time that grows with it and not with its square. */
import { utimesSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { createFileRecords } from '../../../../adapters/asterisk/records/files/place.ts';
import { folderFor, readCalls, SOURCE } from './support.ts';

/** One call every two seconds, as a large call centre has them. */
const BEGUN = Date.UTC(2026, 0, 1) / 1000;
const EVERY_S = 2;

/** The rows of a call as cdr_csv writes them, at its end. */
function lineOf(call: number, lasts = 64, part = 0): string {
  const at = BEGUN + call * EVERY_S;
  const time = (seconds: number): string =>
    new Date((at + seconds) * 1000).toISOString().slice(0, 19).replace('T', ' ');
  const hex = call.toString(16).padStart(8, '0');
  const id = `${at}.${call}`;
  return `"","+9198450${String(call % 100_000).padStart(5, '0')}","8041110001","from-trunk","","PJSIP/trunk-in-${hex}","PJSIP/100${part}-${hex}","Dial","PJSIP/1001,20","${time(0)}","${time(4)}","${time(lasts)}",${lasts},${lasts - 4},"ANSWERED","DOCUMENTATION","${id}","","","${id}",${2 * call + part}\n`;
}

const spanOf = (calls: number) => ({ from: BEGUN * 1000, to: (BEGUN + calls * EVERY_S) * 1000 + 100_000 });

function placeOf(file: string, systemName: string | null = null) {
  return createFileRecords({ source: SOURCE, systemName, files: [{ table: 'cdr', file, columns: [] }] });
}

/** Bytes that are read from files meanwhile. */
async function bytesRead(file: string, run: () => Promise<void>): Promise<number> {
  const handle = await open(file);
  const prototype: Pick<FileHandle, 'read'> = Object.getPrototypeOf(handle);
  const { read } = prototype;
  let bytes = 0;
  prototype.read = async function (this: FileHandle, ...args: unknown[]) {
    const done = await Reflect.apply(read, this, args);
    bytes += done.bytesRead;
    return done;
  } as FileHandle['read'];
  try {
    await run();
  } finally {
    prototype.read = read;
    await handle.close();
  }
  return bytes;
}

t.test('pages are small, and what is read grows with the file alone', async (t) => {
  const reading = async (calls: number) => {
    const file = join(folderFor(t), 'Master.csv');
    writeFileSync(file, Array.from({ length: calls }, (_, call) => lineOf(call)).join(''));
    const pages: number[] = [];
    let seen = 0;
    const bytes = await bytesRead(file, async () => {
      for await (const { events } of placeOf(file).read(spanOf(calls))) {
        const created = events.filter(({ kind }) => kind === 'channel-created').length / 2;
        pages.push(created);
        seen += created;
      }
    });
    t.equal(seen, calls);
    return { largest: Math.max(...pages), bytes };
  };
  const [short, long] = [await reading(3_000), await reading(12_000)];
  t.ok(long.largest <= 300, `${long.largest} calls in a page`);
  t.ok(long.bytes / short.bytes < 6, `four times the file: ${(long.bytes / short.bytes).toFixed(1)} times the reading`);
});

t.test('a call of which a row was written hours later is whole, also behind a rotation', async (t) => {
  const folder = folderFor(t);
  const file = join(folder, 'Master.csv');
  const calls = 4_000;
  const lines = Array.from({ length: calls }, (_, call) => lineOf(call));
  // Its second leg ends two hours after its first one.
  lines.splice(3_700, 0, lineOf(50, 7_300, 1));
  const whole = await readCalls(placeOf(writeAll(join(folderFor(t), 'all.csv'), lines)), spanOf(calls));
  const id = `${SOURCE}-${BEGUN + 50 * EVERY_S}.50`;
  t.equal(whole.calls.get(id)?.[0]?.endedAt, (BEGUN + 100 + 7_300) * 1000 + 500);
  writeAll(`${file}.1`, lines.slice(0, 2_000));
  const rotatedAt = BEGUN + 4_064;
  utimesSync(`${file}.1`, rotatedAt, rotatedAt);
  writeAll(file, lines.slice(2_000));
  const early = { from: (BEGUN + 100) * 1000, to: (BEGUN + 200) * 1000 };
  for (const span of [early, spanOf(calls)]) {
    const found = await readCalls(placeOf(file), span);
    const versions = found.calls.get(id) ?? [];
    t.ok(versions.length > 0);
    for (const version of versions) t.same(version, whole.calls.get(id)?.[0]);
  }
});

t.test('a place in time is found among rows that are not the beginning of their channel', async (t) => {
  const calls = 2_000;
  /** A further leg of a channel that is up for hours: when it was created says nothing of the zone of the file. */
  const later = (call: number, part: number): string => {
    const id = `${BEGUN + call * EVERY_S}.${call}`;
    const old = `${BEGUN + call * EVERY_S - 3 * 3_600}.${part}`;
    return lineOf(call, 64, part).replace(`"${id}","","","${id}"`, `"${old}","","","${old.replace('.', '.7')}"`);
  };
  const lines = Array.from({ length: calls }, (_, call) => [
    ...Array.from({ length: 9 }, (_, part) => later(call, part)),
    lineOf(call),
  ]);
  const file = writeAll(join(folderFor(t), 'Master.csv'), lines.flat());
  const from = (BEGUN + 600 * EVERY_S + 64) * 1000;
  const found = await readCalls(placeOf(file), { from, to: from + 59_000 });
  for (let call = 600; call < 630; call += 1) {
    const id = `${SOURCE}-${BEGUN + call * EVERY_S}.${call}`;
    t.ok(found.calls.has(id), id);
  }
});

t.test('of a file into which several PBXs write, the calls of one', async (t) => {
  const lines = Array.from({ length: 20 }, (_, call) => {
    const id = `${BEGUN + call * EVERY_S}.${call}`;
    return lineOf(call).replaceAll(`"${id}"`, `"${call % 2 === 0 ? 'pbx' : 'pbx-2'}-${id}"`);
  });
  const file = writeAll(join(folderFor(t), 'Master.csv'), lines);
  t.equal((await readCalls(placeOf(file), spanOf(20))).calls.size, 20);
  const { calls } = await readCalls(placeOf(file, 'pbx'), spanOf(20));
  t.equal(calls.size, 10);
  t.ok([...calls.keys()].every((id) => id.startsWith(`${SOURCE}-pbx-17`)));
});

function writeAll(file: string, lines: readonly string[]): string {
  writeFileSync(file, lines.join(''));
  return file;
}
