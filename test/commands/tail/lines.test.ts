/** What is printed of calls as they arrive, and of which. */
import t from 'tap';
import type { TailLine } from '../../../adapters/control/stream.ts';
import { parseConfig } from '../../../config/load.ts';
import { print, privacy } from '../../../src/commands/output.ts';
import { type Shown, tailLines, writer } from '../../../src/commands/tail/lines.ts';
import { createTail, watched } from '../../../src/daemon/answers/tail.ts';
import type { Delivery, Outbox, Settlement } from '../../../src/delivery/store.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import { calls, ends, recordsOf, rings, talk } from '../../support/told.ts';

const CONFIG = parseConfig(
  "[[source]]\ntype = 'asterisk'\nname = 'pbx'\nusername = 'u'\ncountry = 'IN'\n[leadsquared]\nhost = 'x.example'\n",
  '/etc/logcalld/logcalld.toml',
);

/** A customer calls 1001, who answers. */
function call(ms: number, name: string, number: string, ext: string): CallEvent[] {
  return [
    ...calls(ms, name, 'PJSIP/trunk', { dialled: '08041110001', caller: { number, name: null } }),
    ...rings(ms + 1_000, `${name}-p`, `PJSIP/${ext}`, name),
    ...talk(ms + 3_000, name, `${name}-p`),
    ...ends(ms + 9_000, name, `${name}-p`),
  ];
}

const TWO = [...call(0, 'one', '09845012345', '1001'), ...call(500, 'two', '09845067890', '1002')].sort(
  (a, b) => a.at - b.at,
);
const asFrame = (event: CallEvent): TailLine => ({
  frame: { source: 'pbx', at: event.receivedAt, events: [event], raw: `Event: ${event.kind}\r\nCaller: 09845012345` },
});

function lines(told: readonly TailLine[], wanted: { number?: string; agent?: string } = {}, numbers = false): string {
  const secrecy = privacy(numbers);
  const { number = null, agent = null } = wanted;
  return told.flatMap(tailLines(CONFIG, { number, agent }, secrecy, writer(secrecy, false))).join('\n');
}

const plain = TWO.map((event): TailLine => ({ frame: { source: 'pbx', at: event.at, events: [event], raw: null } }));

t.test('one line for each step, numbers masked', async (t) => {
  const out = lines(plain);
  t.match(out, /^\d\d:\d\d:\d\d\.000 {2}one {2}trunk {2}calls \*\*\*0001 \(\*\*\*2345\)$/m);
  t.match(out, /^.* one .* 1001 .* is called by trunk$/m);
  t.match(out, /^.* one .* 1001 .* answers$/m);
  t.match(out, /^.* one .* is connected with trunk$/m);
  t.match(out, /^.* two .* cleared: Q\.850 16/m);
  t.notMatch(out, /98450/);
  t.match(lines(plain, {}, true), /09845012345/);
});

t.test('only the calls that were asked for, with what was said before it was known that they are', async (t) => {
  const [first, ...rest] = lines(plain, { agent: '1002' }).split('\n');
  t.match(first, / two .* calls /, 'the call came in before its agent was rung');
  t.ok(rest.length > 4);
  t.notMatch(rest.join('\n'), / one /);
  t.notMatch(lines(plain, { number: '12345' }), / two /);
  t.equal(lines(plain, { number: '12345', agent: '1002' }), '', 'both have to be so');
});

t.test('a call that went on before is one that was asked for until its last channel ends', async (t) => {
  const events = call(0, 'one', '09845012345', '1001');
  const [record] = recordsOf([events]);
  if (record === undefined) throw new Error('no call');
  const [caller, phone] = ends(9_000, 'one', 'one-p');
  if (caller === undefined || phone === undefined) throw new Error('no ends');
  const told: TailLine[] = [{ live: record, channels: ['one', 'one-p'] }, asFrame(phone), asFrame(caller)];
  for (const wanted of [{ number: '12345' }, { agent: '1001' }]) {
    t.match(lines(told, wanted), /goes on: .*\n.* one .*cleared.*\n.* one .*cleared/s);
  }
  t.equal(lines(told, { number: '67890' }), '');
});

t.test('finished calls, deliveries, what was sent by the PBX, and what was left out', async (t) => {
  const [record] = recordsOf([call(0, 'one', '09845012345', '1001')]);
  if (record === undefined) throw new Error('no call');
  const step = { record, at: record.endedAt, from: 'look-up', reason: null } as const;
  const told: TailLine[] = [
    { ended: record, unposted: null },
    { step: { ...step, to: 'pending', lead: 'lead-7' } },
    { step: { ...step, from: 'post', to: 'parked', reason: 'refused: 09845012345' } },
    { dropped: 12 },
  ];
  const out = lines(told);
  t.match(out, /one.*ended: Inbound Answered \*\*\*2345 -> 1001, 6 s\n.*lead found: lead-7\n/);
  t.match(out, /parked until somebody sends it again: refused: \*\*\*2345\n12 lines were left out/);
  t.equal(lines(told.slice(0, 3), { number: '999' }), '');
  const objects = tailLines(CONFIG, { number: null, agent: null }, privacy(false), (one: Shown) => [
    JSON.stringify(one),
  ]);
  t.match(JSON.parse(objects(told[0] as TailLine)[0] ?? ''), { kind: 'ended', source: 'pbx', call: 'one' });
});

t.test('what the PBX sent stands line by line, as it is printed, also after it was held back', async (t) => {
  const secrecy = privacy(false);
  const printed = (wanted: { number: string | null; agent: string | null }): string => {
    let out = '';
    const terminal = { out: (text: string) => (out += text), error: () => {} };
    const told = tailLines(CONFIG, wanted, secrecy, writer(secrecy, false));
    for (const line of TWO.map(asFrame).flatMap(told)) print(terminal, line);
    return out;
  };
  for (const wanted of [
    { number: null, agent: null },
    { number: null, agent: '1001' },
  ])
    t.match(printed(wanted), / one .*\n {4}\| Event: channel-created\n {4}\| Caller: \*\*\*2345\n/);
});

t.test('nothing is made while nobody watches, and for who watches another PBX', async (t) => {
  const tail = createTail();
  const frame = {
    source: 'pbx',
    receivedAt: 1,
    raw: null,
    get events(): readonly CallEvent[] {
      throw new Error('looked at');
    },
  };
  const rows = [{ id: 1, record: { source: 'pbx' } }] as Delivery[];
  const outbox = watched({ claim: async () => ({ rows }), settle: async () => [true] } as unknown as Outbox, tail);
  const settle = () =>
    outbox.settle({
      items: [{ id: 1, from: { step: 'post' }, to: { state: 'delivered' }, reason: null, now: 5 } as Settlement],
    });
  await outbox.claim({} as never);
  await settle();
  const got: unknown[] = [];
  const stop = tail.watch({ source: 'pbx', raw: false }, (line) => got.push(JSON.parse(line())));
  t.throws(() => tail.frame(frame), 'now it is');
  stop();
  tail.frame(frame);
  tail.watch({ source: 'other', raw: true }, () => t.fail('another PBX'));
  tail.watch({ source: 'pbx', raw: true }, (line) => got.push(JSON.parse(line())));
  tail.frame({ ...{ source: 'pbx', receivedAt: 1, events: [] }, raw: Buffer.from('Event: X') });
  await outbox.claim({} as never);
  await settle();
  t.match(got, [{ frame: { raw: 'Event: X' } }, { step: { from: 'post', to: 'delivered', at: 5 } }]);
});
