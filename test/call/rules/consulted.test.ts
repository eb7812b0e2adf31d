/** Outside parties who are consulted in the middle of a call have calls of their own; who is led to a call has none. */
import t from 'tap';
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import { answers, calls, recordsOf as endedOf, ends, leave, meet, on, rings, START } from '../../support/told.ts';

/** In order of their ids. */
const recordsOf = (events: readonly (readonly CallEvent[])[]) =>
  endedOf(events).sort((a, b) => a.callSessionId.localeCompare(b.callSessionId));

const ASKED = '09845099999';
const inbound = [...calls(0, 'a', 'PJSIP/carrier'), ...rings(10, 'p', 'PJSIP/1001', 'a')];
const connected = [...answers(1000, 'p', 'a'), ...meet(1000, 'main', 'p', 'a')];

/** `*2` of Asterisk: the phone goes to a pair of wires, whose other end dials the outside number. */
const feature = [
  ...rings(5000, 'l1', 'Local/09845099999@out', null, { wire: 'w', linkedId: 'a' }),
  ...calls(5000, 'l2', 'Local/09845099999@out', { wire: 'w', linkedId: 'a' }),
  on(5000, { kind: 'wired', channel: 'l1', other: 'l2' } as const),
  ...leave(5000, 'main', 'p'),
  ...meet(5000, 'asking', 'l1', 'p'),
  ...rings(5010, 'y', 'PJSIP/carrier', 'l2', { number: ASKED, linkedId: 'a', presented: '1001' }),
  ...answers(8000, 'y', 'l2', 'l1'),
  ...meet(8000, 'asked', 'y', 'l2'),
];
const asked = {
  ...{ callSessionId: 'pbx-y', direction: 'Outbound', status: 'Answered', externalE164: '+919845099999' },
  ...{ agent: '1001', agentsRung: [], startedAt: START + 5010, answeredAt: START + 8000, ringSeconds: 3 },
};

t.test('consulted by a feature code, and taken leave of', async (t) => {
  const back = [...leave(68_000, 'asking', 'p', 'l1'), ...meet(68_000, 'main', 'p'), ...ends(68_000, 'l1', 'l2', 'y')];
  const records = recordsOf([inbound, connected, feature, back, ends(90_000, 'a', 'p')]);
  t.match(records, [
    { callSessionId: 'pbx-a', direction: 'Inbound', agent: '1001', endedAt: START + 90_000, durationSeconds: 89 },
    { ...asked, endedAt: START + 68_000, durationSeconds: 60, talkSeconds: 60, flags: [] },
  ]);
  t.equal(records.length, 2);
  t.equal(records[1]?.reasons?.status.rule, 'consulted');
});

t.test('consulted, and given the call: as by REFER', async (t) => {
  const given = [...leave(68_000, 'asking', 'p', 'l1'), ...ends(68_000, 'p'), ...meet(68_000, 'main', 'l1')];
  const records = recordsOf([inbound, connected, feature, given, ends(90_000, 'a', 'l1', 'l2', 'y')]);
  t.match(records, [
    { callSessionId: 'pbx-a', direction: 'Inbound', agent: '1001', endedAt: START + 90_000, durationSeconds: 89 },
    { ...asked, endedAt: START + 90_000, durationSeconds: 82, talkSeconds: 60 },
  ]);
  t.equal(records.length, 2);
});

t.test('by att_xfer of FreeSWITCH: the legs are bridged without wires; the caller hangs up meanwhile', async (t) => {
  const events = [
    ...rings(5010, 'y', 'sofia/gateway/carrier', 'p', { number: ASKED, linkedId: 'a' }),
    ...[...answers(8000, 'y'), ...meet(8000, 'p~y', 'p', 'y')],
    ...ends(20_000, 'a'),
  ];
  t.match(recordsOf([inbound, connected, events, ends(68_000, 'y', 'p')]), [
    { callSessionId: 'pbx-a', direction: 'Inbound', endedAt: START + 20_000 },
    { ...asked, endedAt: START + 68_000, talkSeconds: 60 },
  ]);
});

t.test('in the middle of an outbound call', async (t) => {
  const out = [
    ...calls(0, 'p', 'PJSIP/1001', { dialled: '09845012345' }),
    ...rings(10, 'a', 'PJSIP/carrier', 'p', { number: '09845012345' }),
    ...connected,
  ];
  const events = [
    ...rings(5010, 'y', 'PJSIP/carrier', 'p', { number: ASKED, linkedId: 'p' }),
    ...[...answers(8000, 'y'), ...leave(8000, 'main', 'p'), ...meet(8000, 'p~y', 'p', 'y')],
    ...[...leave(68_000, 'p~y', 'p'), ...ends(68_000, 'y'), ...meet(68_000, 'main', 'p')],
  ];
  t.match(recordsOf([out, events, ends(90_000, 'a', 'p')]), [
    { callSessionId: 'pbx-p', direction: 'Outbound', externalE164: '+919845012345', endedAt: START + 90_000 },
    { ...asked, endedAt: START + 68_000 },
  ]);
});

t.test('one is a call: who was led to it, was not reached, or asks a colleague himself', async (t) => {
  const mobile = rings(10, 'm', 'PJSIP/carrier', 'a', { number: ASKED });
  const taken = [...answers(1000, 'm', 'a'), ...meet(1000, 'main', 'm', 'a')];
  const colleague = [
    ...[...leave(5000, 'main', 'm'), ...rings(5000, 'q', 'PJSIP/1002', 'm', { linkedId: 'a' })],
    ...[...answers(6000, 'q'), ...meet(6000, 'asking', 'q', 'm')],
    ...[...leave(20_000, 'asking', 'm'), ...ends(20_000, 'q'), ...meet(20_000, 'main', 'm')],
  ];
  const sent = [
    ...[...leave(5000, 'main', 'p'), ...ends(5000, 'p')],
    ...rings(5010, 'y', 'PJSIP/carrier', 'a', { number: ASKED }),
    ...[...answers(8000, 'y'), ...meet(8000, 'main', 'y')],
  ];
  const vain = [...rings(5010, 'y', 'PJSIP/carrier', 'p', { number: ASKED, linkedId: 'a' }), ...ends(9000, 'y')];
  const rows = [
    ['a mobile that rang beside the phone', [inbound, mobile, taken, ends(1010, 'p')]],
    ['a mobile that asks a phone', [inbound, mobile, taken, ends(1010, 'p'), colleague]],
    ['a blind transfer to outside', [inbound, connected, sent]],
    ['nobody answers', [inbound, connected, vain]],
  ] as const;
  for (const [what, events] of rows) {
    const records = recordsOf([...events, ends(90_000, 'a', 'p', 'm', 'q', 'y')]);
    t.match(records, [{ callSessionId: 'pbx-a', direction: 'Inbound', status: 'Answered' }], what);
    t.equal(records.length, 1, what);
  }
});
