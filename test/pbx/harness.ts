import { isUtf8 } from 'node:buffer';
import { randomBytes, randomInt } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/daemon.ts';
import { toldOf, watchStalls } from '../support/stalls.ts';
import { problems, WORST_WINDOW, wrongTogether } from './check.ts';
import { Crm } from './crm.ts';
import { Daemon, START_PATIENCE_MS, writeConfig } from './daemon.ts';
import { Link } from './link.ts';
import { EXTENSIONS, type Pbx } from './pbx.ts';
import { messageOf, type Row } from './report.ts';
import type { Lab, SeenCall, Story } from './story.ts';

const stalls = watchStalls();

export interface PlayOptions {
  /** Folder for what the PBX and the daemon said, `null` for nowhere. */
  readonly save: string | null;
  readonly onRow: (row: Row) => void;
}

interface Bench {
  readonly lab: Lab;
  readonly crm: Crm;
  readonly daemon: Daemon;
  readonly link: Link;
}

/** Plays the stories one after another. Every row is reported as soon as it is known. */
export async function playStories(pbx: Pbx, stories: readonly Story[], options: PlayOptions): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'logcalld-pbx-'));
  const crm = await Crm.open(EXTENSIONS);
  const link = await Link.open(pbx.events, pbx.protocol);
  const watched = {
    sources: (secretFile: string) => pbx.source(link.port, secretFile),
    secret: pbx.secret,
    page: { port: await freePort(), token: randomBytes(12).toString('hex') },
    agents: EXTENSIONS,
  };
  const daemon = new Daemon(await writeConfig(folder, watched, crm.sandbox), () =>
    link.nextCaughtUp(START_PATIENCE_MS),
  );
  const bench = { lab: labOf(pbx, link, daemon, watched.page), crm, daemon, link };
  const rows: Row[] = [];
  const seen: SeenCall[] = [];
  const report = (row: Row): void => {
    rows.push(row);
    options.onRow(row);
  };
  try {
    await daemon.start();
    for (const story of stories) report(await playStory(bench, story, seen));
    report(await finalRow(bench, seen));
  } catch (error) {
    throw new Error(`${messageOf(error)}\n${daemon.output.split('\n').slice(-30).join('\n')}`);
  } finally {
    await link.close();
    if (options.save !== null) await save(options.save, bench);
    await daemon.kill().catch(() => undefined);
    await crm.close();
    await rm(folder, { recursive: true, force: true });
  }
  return rows;
}

function labOf(pbx: Pbx, link: Link, daemon: Daemon, { port, token }: { port: number; token: string }): Lab {
  let next = randomInt(10_000, 80_000);
  const page = { address: `http://127.0.0.1:${port}/`, token };
  return { pbx, link, daemon, page, newNumber: () => `+9198450${next++}` };
}

async function playStory(bench: Bench, story: Story, allSeen: SeenCall[]): Promise<Row> {
  const began = performance.now();
  const saidBefore = bench.daemon.output.length;
  const { ledger } = bench.crm.sandbox;
  const postedBefore = ledger.calls().length;
  let wrong: readonly string[];
  try {
    const seen = await story.play(bench.lab);
    allSeen.push(...seen);
    wrong = await compare(bench, seen);
    const beside = ledger.calls().length - postedBefore - seen.length;
    if (beside > 0) wrong = [...wrong, `${beside} call log(s) beside those of the story's calls`];
  } catch (error) {
    const said = bench.daemon.output.slice(saidBefore).trimEnd().split('\n').slice(-5);
    wrong = [messageOf(error), ...said.map((line) => `daemon: ${line}`)];
  }
  const stood = toldOf(stalls.filter(({ to }) => to > began));
  if (wrong.length > 0 && stood !== null) wrong = [...wrong, `${stood} meanwhile: what the telephones saw may be late`];
  await recover(bench);
  return { story: story.name, ok: wrong.length === 0, problems: wrong, seconds: (performance.now() - began) / 1_000 };
}

async function compare(bench: Bench, seen: readonly SeenCall[]): Promise<readonly string[]> {
  const customer = seen[0]?.customer;
  if (customer === undefined || seen.some((call) => call.customer !== customer)) {
    throw new Error('a story is about one customer');
  }
  const { crm, lab } = bench;
  return problems(await crm.arrived(() => crm.callsOf(customer), seen.length), seen, lab.pbx.name);
}

/** What no single story can see: nothing was posted twice or too much, the limit held, and the daemon ends well. */
async function finalRow(bench: Bench, seen: readonly SeenCall[]): Promise<Row> {
  const began = performance.now();
  const { ledger } = bench.crm.sandbox;
  const wrong: string[] = [];
  await bench.daemon.stop().catch((error) => wrong.push(messageOf(error)));
  wrong.push(...wrongTogether(bench.crm.sandbox, seen.length));
  const recorded = await bench.lab.pbx.recordedCalls();
  for (const { body } of ledger.calls()) {
    const id = String(body.CallSessionId).slice(bench.lab.pbx.name.length + 1);
    if (!recorded.has(id)) wrong.push(`the PBX's own call records do not know the call ${id}`);
  }
  return {
    story: `all together: once each, at most ${WORST_WINDOW} requests in 5 s`,
    ok: wrong.length === 0,
    problems: wrong,
    seconds: (performance.now() - began) / 1_000,
  };
}

/** Ends what a failed story left behind, so that the next one starts with a quiet PBX and a daemon that watches it. */
async function recover({ lab, link, daemon }: Bench): Promise<void> {
  const phones = [lab.pbx.caller, lab.pbx.callee, ...EXTENSIONS.map((extension) => lab.pbx.phone(extension))];
  await Promise.all(phones.map((phone) => phone.reset()));
  if (!link.isUp) await link.repair();
  if (!daemon.isRunning) await daemon.start();
}

/** Leaves a capture file that `logcalld inspect` reads, the CRM's ledger and the daemon's log. */
async function save(folder: string, { lab, link, crm, daemon }: Bench): Promise<void> {
  await mkdir(folder, { recursive: true });
  const began = link.frames[0]?.at ?? 0;
  const frames = link.frames.map(({ at, connection, bytes }) => ({
    t: at - began,
    at: new Date(at).toISOString(),
    conn: connection,
    ...(isUtf8(bytes) ? { raw: bytes.toString('utf8') } : { rawBase64: bytes.toString('base64') }),
  }));
  await writeFile(join(folder, 'capture.jsonl'), jsonLines([{ capture: 1, pbx: lab.pbx.type }, ...frames]));
  await writeFile(join(folder, 'ledger.jsonl'), jsonLines(crm.sandbox.ledger.entries()));
  await writeFile(join(folder, 'daemon.log'), daemon.output);
}

function jsonLines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('');
}
