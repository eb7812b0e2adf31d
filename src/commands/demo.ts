/**
 * `logcalld` without a command: the whole way on embedded defaults. Players serve recorded calls of a real Asterisk and a real
 * FreeSWITCH on a real AMI and a real event socket, one daemon logs them, and the sandbox takes the posts over HTTP.
 */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AmiPlayer } from '../../adapters/asterisk/player/player.ts';
import { EslPlayer } from '../../adapters/freeswitch/player/player.ts';
import { createClock } from '../../adapters/host/clock.ts';
import { onSignals } from '../../adapters/host/signals.ts';
import { type Sandbox, startSandbox } from '../../adapters/leadsquared/sandbox/sandbox.ts';
import { parseConfig } from '../../config/load.ts';
import type { CallRecord } from '../call/record.ts';
import { EXIT } from '../cli/help.ts';
import { startDaemon } from '../daemon/daemon.ts';
import { Secret } from '../secret.ts';
import type { CallEvent } from '../telephony/call-event.ts';
import { maskNumber } from '../telephony/mask.ts';
import { isWithheld } from '../telephony/number.ts';
import { programName } from './output.ts';
import { print } from './terminal.ts';

const RECORDINGS = new URL('../../test/fixtures/recordings/', import.meta.url);

const ASTERISK = [
  'inbound_answered_caller_hangs_up',
  'outbound_answered',
  'queue_answered',
  'blind_transfer_refer',
  'attended_transfer_refer',
  'inbound_abandoned_ringing',
  'outbound_busy',
  'click_to_call',
];

/** Ten short calls, their numbers written in all the ways trunks write them. */
const FREESWITCH = 'number_shapes';

/** What it plays, below `test/fixtures/recordings`: an installation brings these along. */
export const DEMO_RECORDINGS: readonly string[] = [
  ...ASTERISK.map((name) => `asterisk-22/${name}/events.jsonl.gz`),
  `freeswitch-1.11/${FREESWITCH}/events.jsonl.gz`,
];

const USERS = ['1001', '1002', '1003', '1004'].map((extension, index) => ({
  id: `00000000-0000-4000-8000-00000000000${index + 1}`,
  email: `agent${extension}@example.com`,
  extension,
}));

const time = () => new Date().toLocaleTimeString('sv-SE');
const line = (what: string, text: string) => print(`${time()}  ${what.padEnd(8)}  ${text}`);

export async function demo(): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'logcalld-demo-'));
  const sandbox = await startSandbox({
    users: USERS.map(({ id, email, extension }) => ({
      id,
      email,
      firstName: 'Agent',
      lastName: extension,
      active: true,
    })),
    leads: [{ id: '00000000-0000-4000-8000-0000000000a1', phone: '+91-9845012345' }],
  });
  const player = new AmiPlayer({
    captures: ASTERISK.map((name) => new URL(`asterisk-22/${name}/events.jsonl.gz`, RECORDINGS).pathname),
    order: 'together',
    username: 'demo',
    secret: 'demo',
    shiftTimes: true,
  });
  const freeswitch = new EslPlayer({
    file: new URL(`freeswitch-1.11/${FREESWITCH}/events.jsonl.gz`, RECORDINGS).pathname,
    password: 'demo',
    freshIds: true,
    startAt: Date.now() + 1000,
  });
  const played = Promise.all([player.done, once(freeswitch, 'done')]);
  const ports = { ami: await player.listen(), esl: await freeswitch.listen() };
  const token = randomBytes(12).toString('base64url');
  const text = configText(directory, ports, sandbox.url, await freePort());
  const config = parseConfig(text, join(directory, 'demo.toml'));
  print(
    'logcalld demo: recorded calls of a real Asterisk 22 (AMI) and a real FreeSWITCH 1.11 (event socket), side by side',
  );
  print('  -> logcalld -> HTTP -> a stand-in LeadSquared that checks every request and its limit of 25 in 5 s.');
  print(`Everything is in ${directory} and is removed at the end.`);
  print('');

  const clock = createClock();
  const log = { write: () => {} };
  const ended: CallRecord[] = [];
  const stopped = Promise.withResolvers<void>();
  let isStopped = false;
  const stopListening = onSignals({
    drain: () => {
      isStopped = true;
      stopped.resolve();
    },
    stopNow: () => process.exit(EXIT.failed),
  });
  const daemon = await startDaemon({
    config,
    clock,
    log,
    readSecret: ({ what }) =>
      new Secret(
        what.includes('access')
          ? sandbox.accessKey
          : what.includes('secret key')
            ? sandbox.secretKey
            : what.includes('page')
              ? token
              : 'demo',
      ),
    controlPath: join(directory, 'control.sock'),
    onPage: (address) => line('page', `${address}   token ${token}`),
    onFatal: (reason) => stopped.reject(new Error(reason)),
    onEvent: showArrival,
    onEnded: (record) => {
      ended.push(record);
      line('session', describe(record));
    },
  });
  const posts = showPosts(sandbox);
  const finished = (async () => {
    await played;
    while (daemon.pipeline.openChannels() > 0 || !(await delivered(daemon))) await pause(clock, 200);
  })();
  await Promise.race([finished, stopped.promise]);
  // Somebody who looks at the page wants to go on looking.
  if (process.stdout.isTTY === true && !isStopped) {
    line('page', 'All calls are there. Look at them on the page; Ctrl-C ends this.');
    await stopped.promise;
  }
  await daemon.stop();
  await player.close();
  await freeswitch.close();
  posts();
  summary(sandbox, ended);
  await sandbox.close();
  stopListening();
  await rm(directory, { recursive: true, force: true });
  return sandbox.ledger.doubled().length === 0 ? EXIT.ok : EXIT.failed;
}

const pause = (clock: { after(ms: number, run: () => void): unknown }, ms: number) =>
  new Promise<void>((resolve) => clock.after(ms, resolve));

async function delivered(daemon: Awaited<ReturnType<typeof startDaemon>>): Promise<boolean> {
  const { states } = await daemon.delivery.snapshot();
  return states.pending + states.sending + states.retrying + states.uncertain === 0;
}

function showArrival(event: CallEvent): void {
  const text = arrivalOf(event);
  if (text !== null) line('arrives', text);
}

/** `null`: nobody begins a call by it. Callers without a number are called the same as in their sessions. */
export function arrivalOf(event: CallEvent): string | null {
  if (event.kind !== 'channel-created' || event.facts.wire !== null || event.facts.initiator !== 'endpoint')
    return null;
  const { caller, dialled, endpoint, withheld } = event.facts;
  const from = withheld || isWithheld(caller.number) ? HIDDEN : shown(caller.number);
  return `${event.source.padEnd(10)}  ${endpoint}  ${from} calls ${shown(dialled)}`;
}

const HIDDEN = 'hidden number';
const shown = (number: string | null) => (number === null ? 'unknown' : maskNumber(number));

function describe(record: CallRecord): string {
  const parts = [
    record.direction,
    record.status,
    record.withheld ? HIDDEN : shown(record.externalE164 ?? record.external),
    `agent ${record.agent ?? '-'}`,
  ];
  return `${parts.join('  ')}  ${record.durationSeconds} s  (${record.callSessionId})`;
}

/** Prints each post as the sandbox answers it; the result stops that. */
function showPosts(sandbox: Sandbox): () => void {
  let shown = 0;
  let on = true;
  const next = async (): Promise<void> => {
    while (on) {
      const { fate } = await sandbox.next(({ request }) => request.path.includes('LogCall'));
      if (fate !== 'answered') line('refused', `LogCall ${fate}`);
      for (const { body, activityId } of sandbox.ledger.calls().slice(shown)) {
        shown += 1;
        line(
          'accepted',
          `LogCall ${body.CallSessionId}  ${body.Status}  UserId ...${String(body.UserId).slice(-4)}  activity ${activityId}`,
        );
      }
    }
  };
  next().catch(() => {});
  return () => {
    on = false;
  };
}

function summary(sandbox: Sandbox, ended: readonly CallRecord[]): void {
  const internal = ended.filter((record) => record.direction === 'Internal').length;
  const hidden = ended.filter((record) => record.direction !== 'Internal' && record.withheld).length;
  print('');
  print(`${ended.length} calls became sessions; ${sandbox.ledger.calls().length} call logs accepted.`);
  print(`Kept and not posted, as the defaults have it: ${internal} internal, ${hidden} with a hidden number.`);
  print(
    `Posted twice: ${sandbox.ledger.doubled().length}. Most requests in any 5 s: ${sandbox.worstWindow()} (limit 25).`,
  );
  print('');
  print('Next: your own PBX. These ask what they need to know, and say what is missing:');
  const program = programName();
  print(`  ${program} init --directory trial`);
  print(`  ${program} doctor --config trial/logcalld.toml`);
}

/** One that nobody has at this moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function configText(directory: string, ports: { ami: number; esl: number }, url: string, page: number): string {
  const users = USERS.map(({ extension, email }) => `${extension},${email}`);
  return `
[[source]]
type = 'asterisk'
name = 'asterisk'
port = ${ports.ami}
username = 'demo'
[[source]]
type = 'freeswitch'
name = 'freeswitch'
port = ${ports.esl}
[leadsquared]
host = '${url}'
insecure = true
[leadsquared.user]
default_user = '${users[0]?.split(',')[1]}'
[storage]
path = '${join(directory, 'demo.db')}'
[page]
listen = '127.0.0.1:${page}'
`;
}
