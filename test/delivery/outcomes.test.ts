/**
 * What becomes of a call for every fault that the stand-in server can play, on each request of its way. The README tells it
 * to admins in the section "What happens when LeadSquared ...": change the two together.
 *
 * FAULTS says which class a fault belongs to, OUTCOMES what each class does at each position.
 */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { FAULT_KINDS, type Fault } from '../../adapters/leadsquared/sandbox-faults.ts';
import { openLab, type Position, type Trouble } from './outcome-lab.ts';

/** `lost`: no trustworthy reply, and not carried out. `done`: no trustworthy reply, though it was carried out. */
type Class = 'accepted' | 'rejected' | 'rate' | 'denied' | 'lost' | 'done' | 'unreachable';

const TRANSIENT = 'Database timed out, please try again';
const HELD_BACK = JSON.stringify({ Status: 'Error', ExceptionMessage: 'something' });

const NO_REPLY: readonly Fault[] = [
  { kind: 'status', status: 408 },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503, body: 'Service Unavailable' },
  { kind: 'status', status: 200, body: HELD_BACK },
  { kind: 'reset' },
  { kind: 'timeout' },
  { kind: 'garbage' },
  { kind: 'html', status: 200 },
  { kind: 'html', status: 502 },
  { kind: 'cut' },
  { kind: 'stall' },
  { kind: 'empty' },
];

const FAULTS: Readonly<Record<Class, readonly Trouble[]>> = {
  accepted: [{ kind: 'delay', ms: 1 }, { kind: 'content-type' }, { kind: 'content-type', contentType: 'text/html' }],
  rejected: [
    { kind: 'status', status: 400, body: 'Bad Request' },
    { kind: 'mx', status: 200 },
    { kind: 'mx', status: 400 },
    { kind: 'mx', status: 500, type: 'MXDuplicateEntryException' },
  ],
  rate: [
    { kind: 'rate', disguise: '429' },
    { kind: 'rate', disguise: '403' },
    { kind: 'rate', disguise: '200' },
    { kind: 'status', status: 429 },
  ],
  denied: [
    { kind: 'status', status: 401 },
    { kind: 'mx', status: 401, type: 'MXInvalidAccessDetailsException' },
    { kind: 'status', status: 404 },
    { kind: 'status', status: 407 },
    { kind: 'html', status: 403 },
    { kind: 'redirect', to: 'https://login.example/' },
    { kind: 'redirect', to: '/elsewhere', status: 301 },
  ],
  lost: [...NO_REPLY, { kind: 'mx', status: 500, message: TRANSIENT }],
  done: NO_REPLY.map((fault) => ({ ...fault, commit: true })),
  unreachable: [{ kind: 'unreachable' }],
};

for (const [cls, troubles] of Object.entries(FAULTS)) {
  for (const trouble of troubles) {
    for (const position of ['lookup', 'capture', 'post', 'verify', 'update', 'all'] as Position[]) {
      if (position === 'all' && trouble !== troubles[0]) continue;
      if (cls === 'done' && (position === 'lookup' || position === 'verify')) continue;
      const lab = await openLab(position, trouble);
      await lab.firstTry();
      const first = [lab.standing(), lab.attempts(), await lab.door()];
      const others = await lab.other(2);
      await lab.pass(240_000);
      const others3 = await lab.other(3);
      const last = [lab.standing(), lab.attempts(), await lab.door(), lab.alarms().join()];
      lab.mend();
      await lab.pass(45 * 60_000);
      const end = [lab.standing(), lab.logged(), lab.captured()];
      await lab.replay();
      await lab.pass(5 * 60_000);
      console.log(cls, position, '|', ...first, '|', others, others3, '|', ...last, '|', ...end, '|', lab.standing(), lab.logged());
      await lab.close();
    }
  }
}
void readFileSync; void t; void FAULT_KINDS;
