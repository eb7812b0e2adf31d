import t from 'tap';
import { COMPANY, EXTENSIONS } from '../pbx.ts';
import { configText, modulesOf } from './config.ts';

const settings = {
  HOME: '/tmp/a & b',
  SIP: '5060',
  TRUNK: '5080',
  ESL: '8021',
  CARRIER: '5090',
  RTP_FIRST: '30400',
  RTP_LAST: '30799',
  PHONE_SECRET: 'phone-"<secret>',
  ESL_SECRET: 'esl-secret',
};

/** Says what is not well-formed about an XML text without CDATA sections; `null` when nothing is. */
function misformed(xml: string): string | null {
  const bare = xml.replace(/^<\?xml [^?]*\?>/, '').replace(/<!--(?:(?!--)[\s\S])*-->/g, '');
  const open: string[] = [];
  let from = 0;
  for (const tag of bare.matchAll(/<(\/?)([A-Za-z][\w.-]*)((?:\s+[\w.:-]+="[^"<]*")*)\s*(\/?)>/g)) {
    const [text, closes, name = '', , alone] = tag;
    const between = bare.slice(from, tag.index);
    if (/[<&]/.test(between)) return `stray character in ${JSON.stringify(between.trim())}`;
    from = tag.index + text.length;
    if (/&(?!(?:amp|lt|gt|quot|apos|#\d+);)/.test(text)) return `bare & in ${text}`;
    if (closes === '/' && open.pop() !== name) return `${text} closes another element`;
    if (closes === '' && alone === '') open.push(name);
  }
  if (bare.slice(from).trim() !== '') return `rest ${JSON.stringify(bare.slice(from).trim())}`;
  return open.length > 0 ? `${open.join(', ')} is not closed` : null;
}

/** The extension of a dialplan context that takes a number: the first whose expression matches. */
function takenBy(xml: string, context: string, number: string): string | null {
  const [, inside = ''] = new RegExp(`<context name="${context}">([\\s\\S]*?)</context>`).exec(xml) ?? [];
  const extensions = inside.matchAll(/<extension name="([^"]+)">\s*<condition field="[^"]+" expression="([^"]+)">/g);
  for (const [, name = '', expression = ''] of extensions) if (new RegExp(expression).test(number)) return name;
  return null;
}

t.test('the configuration is well-formed, whatever is filled in', async (t) => {
  const xml = await configText(settings);
  t.equal(misformed(xml), null);
  t.notMatch(xml, /@[A-Z_]+@/);
  t.match(xml, '/tmp/a &#38; b/log/freeswitch.log');
  t.match(modulesOf(xml), ['mod_logfile', 'mod_commands']);
  t.equal(modulesOf(xml).at(-1), 'mod_event_socket', 'who reaches the event socket finds all other modules loaded');
});

t.test('every SIP profile has a timer, without which FreeSWITCH answers a BYE five seconds late', async (t) => {
  const profiles = [
    ...(await configText(settings)).matchAll(/<profile name="(?:internal|external)">([\s\S]*?)<\/profile>/g),
  ];
  t.equal(profiles.length, 2);
  for (const [, inside] of profiles) t.match(inside, '<param name="rtp-timer-name" value="soft"/>');
});

t.test('a word nobody filled in is told', async (t) => {
  const { CARRIER: _, ...others } = settings;
  await t.rejects(configText(others), { message: 'freeswitch.xml: nothing is known as @CARRIER@' });
});

t.test('the check of well-formedness sees what it is for', async (t) => {
  for (const xml of ['<a><b></a>', '<a x="1&2"/>', '<a>&</a>', '<a></a></b>', '<a x=1/>', '<a', '<a><!-- -- --></a>']) {
    t.not(misformed(xml), null, xml);
  }
});

t.test('the numbers are those of the stories', async (t) => {
  const xml = await configText(settings);
  t.equal(takenBy(xml, 'public', COMPANY.direct), 'direct');
  t.equal(takenBy(xml, 'public', COMPANY.queue), 'queue');
  t.equal(takenBy(xml, 'public', COMPANY.ringGroup), 'ring group');
  t.equal(takenBy(xml, 'public', '+919845012345'), null, 'the carrier may not call out through the PBX');
  for (const extension of EXTENSIONS) {
    t.equal(takenBy(xml, 'default', extension), 'phones');
    t.match(xml, `<user id="${extension}">`);
  }
  for (const number of ['+919845012345', '00919845012345', '09845012345']) {
    t.equal(takenBy(xml, 'default', number), 'carrier');
  }
});
