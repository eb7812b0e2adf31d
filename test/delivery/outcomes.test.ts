import { openLab, type Position, type Trouble } from './outcome-lab.ts';
const FAULTS: readonly [string, string, Trouble][] = [
  ['rejected', 'mx', { kind: 'mx', status: 500 }],
  ['rate', 'rate', { kind: 'rate', disguise: '200' }],
  ['denied', '403', { kind: 'status', status: 403 }],
  ['lost', 'reset', { kind: 'reset' }],
  ['lost', 'timeout', { kind: 'timeout' }],
  ['lost', 'stall', { kind: 'stall' }],
  ['done', 'reset', { kind: 'reset', commit: true }],
  ['done', 'stall', { kind: 'stall', commit: true }],
  ['done', 'timeout', { kind: 'timeout', commit: true }],
  ['unreachable', 'refused', { kind: 'unreachable' }],
  ['accepted', 'ct', { kind: 'content-type' }],
];
for (const [cls, name, trouble] of FAULTS) {
  for (const position of ['lookup', 'capture', 'post', 'verify', 'update'] as Position[]) {
    const t0 = performance.now();
    const lab = await openLab(position, trouble);
    await lab.firstTry();
    const first = [lab.standing(), lab.row().attempts, await lab.door()];
    const other = await lab.other();
    await lab.pass(600_000);
    const lasting = [lab.standing(), lab.row().attempts, await lab.door(), lab.alarms().join()];
    const reason = lab.row().reason;
    lab.mend();
    await lab.pass(45 * 60_000);
    const end = [lab.standing()];
    const calls = lab.sandbox.ledger.bySession('pbx:1:1').length;
    await lab.replay();
    await lab.pass(5 * 60_000);
    console.log(cls, name, position, '|', first.join(' '), '|', other, '|', lasting.join(' '), '|', ...end, calls, '|', lab.standing(), lab.sandbox.ledger.bySession('pbx:1:1').length, lab.sandbox.stats().arrivals, lab.sandbox.stats().refused, Math.round(performance.now() - t0) + 'ms', reason);
    await lab.close();
  }
}
