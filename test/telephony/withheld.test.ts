/** Who shows no number, and who shows a short one. */
import fc from 'fast-check';
import t from 'tap';
import { isWithheld, toE164 } from '../../src/telephony/number.ts';
import { anyText } from '../support/runs.ts';

const HIDDEN: Readonly<Record<string, readonly (string | null)[]>> = {
  'nothing at all': [null, '', ' ', '""', '<>', '-', '+', '.', '*', '#'],
  'only zeros, as exchanges fill an empty field': ['0', '00000', '0000000000', '+0', '+0000', '000-0000'],
  'letters of analog caller id: private, out of area': ['P', 'O'],
  'words of SIP, Asterisk and FreeSWITCH': [
    ...['anonymous', 'Anonymous', '+anonymous', 'restricted', 'Restricted', 'unavailable', 'unknown', '<unknown>'],
    ...['asterisk', 's', 'null', 'none', 'nobody', 'CLIR', 'blocked', 'undefined', 'freeswitch'],
  ],
  'words of telephones and gateways': [
    ...['Private', 'Private Number', 'Number Withheld', 'id withheld', 'No Caller ID', 'Unknown Number', 'Out of Area'],
  ],
  'URIs of callers who asked for privacy (RFC 3323, TS 23.003)': [
    ...['anonymous@anonymous.invalid', 'sip:anonymous@anonymous.invalid', 'sip:anonymous@10.0.0.1;user=phone'],
    ...['"Anonymous" <sip:anonymous@anonymous.invalid>', 'unavailable@unknown.invalid', '"Anonymous" <>'],
    ...['sip:c8oqz84zk7z@anonymous.invalid', 'sip:restricted@carrier.example'],
  ],
  'other languages': [
    ...['anonym', 'Unbekannt', 'Unterdrückt', 'inconnu', 'Numéro masqué', 'Appel privé', 'privado', 'desconocido'],
    ...['anonimo', 'скрыт', 'मास्क किया गया', 'अज्ञात', '匿名', 'غير معروف'],
  ],
  'digits blotted out': ['xxxxxxxx', 'XXXXXXXXXX', '98450XXXXX', '+91******2345', '98450123**', '984501xxxx', '****'],
  'words with something behind them': ['anonymous1', 'Private Number 2', 'unknown-17', 'unavailable01'],
  'words spelt on the keys of a telephone': ['+266696687', '+86282452253', '+8656696', '+2562533', '+7378742833'],
  'a feature code alone': ['*67', '#31#', '*31#', '*43'],
  'a name is no number': ['asha.rao', 'sip:reception@partner.example'],
};

for (const [what, texts] of Object.entries(HIDDEN)) {
  t.test(`withheld: ${what}`, async (t) => {
    for (const text of texts) {
      t.equal(isWithheld(text), true, String(text));
      t.equal(toE164(text, 'IN'), null, String(text));
    }
  });
}

t.test('who shows a number is not withheld, however short or odd it is', async (t) => {
  const shown = [
    ...['9845012345', '+919845012345', '1909', '112', '56161', '1', '101', '1001', '140', '14044'],
    ...['1800123456', '18001234567', '+18005551234', '999999999', '8000000000'],
    // As national numbers these exist (Évora, an Indian mobile), although they spell words.
    ...['266696687', '7378742833', 'sip:+919845012345@carrier.example', '"Anonymous" <sip:1909@x>'],
    ...['1-800-FLOWERS', '९८४५०१२३४५', '1234#9845012345', '*6709845012345', '9845012345x12', 'client42'],
  ];
  for (const text of shown) t.equal(isWithheld(text), false, text);
});

t.test('what reads as a number is never withheld', async (t) => {
  const digits = fc.stringMatching(/^(?:\+|00)?[1-9]\d{5,13}$/);
  fc.assert(fc.property(digits, (text) => toE164(text, 'IN') === null || !isWithheld(text)));
  fc.assert(fc.property(anyText(), (text) => typeof isWithheld(text) === 'boolean'));
  t.pass();
});
