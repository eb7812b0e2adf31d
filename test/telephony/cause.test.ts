import t from 'tap';
import { dispositionOf, isNoSuchNumber } from '../../src/telephony/cause.ts';

t.test('why a called party was not reached', async (t) => {
  const cases: readonly [
    q850: number | null,
    sip: number | null,
    result: Parameters<typeof dispositionOf>[1],
    expected: string,
  ][] = [
    [17, 486, 'busy', 'busy'],
    [19, 480, 'no-answer', 'no-answer'],
    [20, 480, 'no-answer', 'no-answer'],
    [18, null, null, 'no-answer'],
    [1, 404, 'no-answer', 'failed'],
    [21, 603, 'no-answer', 'failed'],
    [34, 503, 'congestion', 'failed'],
    [0, null, 'no-answer', 'no-answer'],
    [127, 487, 'cancel', 'cancelled'],
    [16, null, 'busy', 'busy'],
    [null, 480, null, 'no-answer'],
    [null, 600, null, 'busy'],
    [null, 503, null, 'failed'],
    [17, null, 'cancel', 'cancelled'],
    [null, null, null, 'no-answer'],
  ];
  for (const [q850, sip, result, expected] of cases) {
    t.equal(dispositionOf({ q850, sip, text: null }, result), expected, `Q.850 ${q850}, SIP ${sip}, ${result}`);
  }
});

t.test('numbers that do not exist', async (t) => {
  t.ok(isNoSuchNumber({ q850: 1, sip: null, text: null }));
  t.ok(isNoSuchNumber({ q850: 3, sip: null, text: null }));
  t.ok(isNoSuchNumber({ q850: null, sip: 404, text: null }));
  t.notOk(isNoSuchNumber({ q850: 17, sip: 486, text: null }));
  t.notOk(isNoSuchNumber(null));
});
