/** Dial strings of every channel driver, by the syntax that its source or its documents give. */
import t from 'tap';
import { readAmiFrame } from '../../../../adapters/asterisk/capture.ts';
import { dialledNumber, targetNumber, technologyOf } from '../../../../adapters/asterisk/events/dial-string.ts';

type Table = Readonly<Record<string, string | null>>;

/** Without the technology, as DialBegin of Dial tells it. */
const STRINGS: Readonly<Record<string, Table>> = {
  PJSIP: {
    '+919845012345@trunk-out': '+919845012345',
    '09845012345@trunk-out': '09845012345',
    '%2B919845012345@trunk-out': '+919845012345',
    '+91-98450-12345@trunk-out': '+919845012345',
    '09845012345;phone-context=+91@trunk-out': '+919845012345',
    'trunk-out/sip:09845012345@127.0.0.3:21660': '09845012345',
    'trunk-out/sips:+919845012345@carrier.example:5061;transport=tls': '+919845012345',
    'trunk-out/sip:09845012345@carrier.example:5060;user=phone': '09845012345',
    'trunk-out/sip:09845012345;phone-context=+91@10.0.0.1': '+919845012345',
    'trunk-out/sip:41110001;phone-context=+9180@10.0.0.1;user=phone': '+918041110001',
    'trunk-out/sip:09845012345;phone-context=carrier.example@10.0.0.1': '09845012345',
    'trunk-out/sip:+919845012345;npdi;rn=+911234567890@10.0.0.1': '+919845012345',
    'trunk-out/sip:+919845012345;isub=1234@10.0.0.1': '+919845012345',
    'trunk-out/sip:%2B44%20(0)20%207946%200123@10.0.0.1': '+442079460123',
    'trunk-out/"Customer" <sip:+919845012345@10.0.0.1>': '+919845012345',
    'trunk-out/sip:09845012345:secret@10.0.0.1': '09845012345',
    'trunk-out/tel:+91.98450.12345': '+919845012345',
    '1234#9845012345@trunk-out': '1234#9845012345',
    '*679845012345@trunk-out': '*679845012345',
    '1001/sip:1001@10.0.0.9:31601;ob': '1001',
    'trunk-out/backup-aor': null,
    'trunk-out/sip:10.0.0.1': null,
    'trunk-out': null,
    'asha.rao@example.com': null,
    '918041110000': null,
    'PJSIP/09845012345@trunk-out': '09845012345',
    'PJSIP/1001': null,
  },
  SIP: {
    'trunk/09845012345': '09845012345',
    'trunk/09845012345/proxy.example': '09845012345',
    '09845012345@peer': '09845012345',
    '09845012345@1.2.3.4:5060': '09845012345',
    '09845012345@carrier.example//10.0.0.1': '09845012345',
    'user:secret@peer/09845012345': '09845012345',
    '918041110000:secret@peer/09845012345': '09845012345',
    'sip:+919845012345@carrier.example;user=phone': '+919845012345',
    'trunk/09845012345!08041110001@example.com!08041110000': '09845012345',
    trunk: null,
    'trunk/': null,
    'user:secret@peer': null,
  },
  IAX2: {
    'trunk/09845012345': '09845012345',
    'user:secret@host/09845012345@from-iax': '09845012345',
    'user:[key]@host:4569/+919845012345@from-iax/a': '+919845012345',
    '918041110000@host': null,
    trunk: null,
  },
  DAHDI: {
    'g0/09845012345': '09845012345',
    'G1/09845012345': '09845012345',
    'r1/ww09845012345': '09845012345',
    'R0/W09845012345': '09845012345',
    '1/09845012345': '09845012345',
    '4r2/09845012345': '09845012345',
    'i1/09845012345': '09845012345',
    'i1-g0/09845012345': '09845012345',
    'tx!2/09845012345': '09845012345',
    'g0/9w09845012345': '09845012345',
    'g0/09845012345ww1234': '09845012345',
    'g0/09845012345p1234': '09845012345',
    'g0/09845012345;1': '09845012345',
    'g0/09845012345/K(12)': '09845012345',
    'g0/09845012345:u1234': '09845012345',
    'g0/N9845012345': '9845012345',
    'g0/I919845012345': '+919845012345',
    'g0/Ie919845012345': '+919845012345',
    'g0/1909': '1909',
    g0: null,
    'g0/': null,
    pseudo: null,
  },
  Local: {
    '9845099999@outbound/n': '9845099999',
    '09845012345@from-internal': '09845012345',
    '1005@from-internal/m': '1005',
    'FMPR-1005@from-internal': null,
  },
  mISDN: { 'g:out/09845012345': '09845012345', '1:2/09845012345/:n': '09845012345', 'g:out/': null },
  Dongle: {
    'dongle0/+79139131234': '+79139131234',
    'g1/+79139131234': '+79139131234',
    'r1/79139131234': '79139131234',
    'i:123456789012345/+79139131234': '+79139131234',
    'p:PROVIDER NAME/+79139131234': '+79139131234',
    'dongle0/holdother:+79139131234': '+79139131234',
  },
  Mobile: { 'nokia/09845012345': '09845012345', 'g1/09845012345': '09845012345', headset: null },
  Khomp: { 'B2C58/4832625644': '4832625644', 'b0c0 + b0c5/4832625644/orig=99': '4832625644', Gpstn: null },
  CAPI: { 'g1/09845012345': '09845012345', 'ISDN1/8041110001:09845012345/b': '09845012345' },
  OOH323: {
    '09845012345@10.0.0.1:1720': '09845012345',
    'gateway/09845012345': '09845012345',
    '09845012345': '09845012345',
    gateway: null,
  },
  Motif: { 'google/+14155550123@voice.google.com': '+14155550123', 'google/asha@example.com': null },
  Zap: { 'g0/w09845012345': '09845012345' },
  H323: { '09845012345@10.0.0.1': '09845012345' },
  constructor: { 'g1/09845012345': '09845012345' },
  SCCP: { '1001': null, '1001/aa=1w': null },
  USTM: { '1001@phone1': null, '1001@phone1/r44': null },
  MulticastRTP: { 'basic/239.1.1.1:5004': null },
  AudioSocket: { '10.0.0.1:9092/40325ec2-5efd-4bd3-805f-53576e581d13': null },
};

for (const [technology, table] of Object.entries(STRINGS)) {
  t.test(`numbers that ${technology} is told to dial`, async (t) => {
    for (const [text, number] of Object.entries(table)) {
      t.equal(dialledNumber(text, technology), number, text);
      if (!text.startsWith(technology)) t.equal(targetNumber(`${technology}/${text}`), number, `${technology}/${text}`);
    }
  });
}

t.test('without the technology a dial string is read as SIP reads it', async (t) => {
  t.equal(dialledNumber('g0/09845012345', null), '09845012345');
  t.equal(dialledNumber('09845012345@trunk', null), '09845012345');
  t.equal(dialledNumber(null, 'SIP'), null);
  t.equal(technologyOf('PJSIP/trunk-out-0000001a'), 'PJSIP');
  t.equal(technologyOf('odd'), null);
});

function eventsOf(...lines: readonly string[]) {
  return readAmiFrame(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), 'pbx', 0);
}

t.test('DialBegin is read by the technology of the leg', async (t) => {
  const begun = (leg: string, dialString: string) =>
    eventsOf('Event: DialBegin', `DestChannel: ${leg}`, 'DestUniqueid: 1.2', `DialString: ${dialString}`);
  t.match(begun('DAHDI/i1/09845012345-1', 'g0/I919845012345'), [{ kind: 'dial-started', number: '+919845012345' }]);
  t.match(begun('PJSIP/918041110000-00000001', '918041110000'), [{ kind: 'dial-started', number: null }]);
});

t.test('the number that a listed channel has dialled, of several targets the outside one', async (t) => {
  const listed = (data: string) =>
    eventsOf('Event: Status', 'Channel: PJSIP/1001-00000001', 'Uniqueid: 1.1', 'Application: Dial', `Data: ${data}`);
  t.match(listed('PJSIP/1002&DAHDI/g0/ww09845012345,30,tT'), [{ facts: { dialled: '09845012345' } }]);
  t.match(listed('PJSIP/trunk/sip:+919845012345@10.0.0.1,30'), [{ facts: { dialled: '+919845012345' } }]);
  t.match(listed('PJSIP/1002,30'), [{ facts: { dialled: null } }]);
});
