import t from 'tap';
import { COMPANY, EXTENSIONS } from '../pbx.ts';
import { configFiles } from './config.ts';
import { CHAN_SIP, type Edition, editionSettings, GATEWAY_LAYERS, IAX2, PJSIP } from './edition.ts';
import { type Trunk, trunkSettings } from './gateway.ts';

const trunk: Trunk = { company: 4570, carrier: 4571, secret: 'trunk-secret' };
const settings = {
  HOME: '/run-1-x',
  AMI: '5038',
  AMI_SECRET: 'ami-secret',
  RTP_FIRST: '20000',
  RTP_LAST: '20399',
  SIP: '5060',
  CARRIER: '5090',
  PHONE_SECRET: 'phone-secret',
};

const filesOf = (edition: Edition): Promise<ReadonlyMap<string, string>> =>
  configFiles(edition.layers, { ...settings, ...editionSettings(edition), ...trunkSettings(trunk, 'company') });
const gateway = (): Promise<ReadonlyMap<string, string>> =>
  configFiles(GATEWAY_LAYERS, { ...settings, ...trunkSettings(trunk, 'carrier') });
const textOf = (files: ReadonlyMap<string, string>, name: string): string => files.get(name) ?? `there is no ${name}`;

for (const edition of [PJSIP, CHAN_SIP, IAX2]) {
  t.test(`${edition.title}: the numbers and telephones are those of the stories`, async (t) => {
    const files = await filesOf(edition);
    const dialplan = textOf(files, 'extensions.conf');
    for (const number of Object.values(COMPANY)) t.match(dialplan, `\nexten => ${number},1,`);
    t.match(dialplan, `COMPANY = ${COMPANY.direct}\n`);
    t.match(dialplan, `Dial(${edition.phone}/1001,4)`);
    t.match(textOf(files, 'queues.conf'), `member => ${edition.phone}/1002,`);
    const phones = textOf(files, edition.phone === 'SIP' ? 'sip.conf' : 'pjsip.conf');
    for (const extension of EXTENSIONS) t.match(phones, `\n[${extension}](phone)\n`);
  });

  t.test(`${edition.title}: each driver it dials is loaded, and none of another edition`, async (t) => {
    const files = await filesOf(edition);
    const loaded = [...files]
      .filter(([name]) => name.startsWith('modules'))
      .flatMap(([, text]) => text.match(/chan_\w+/g) ?? []);
    const dialled = new Set(textOf(files, 'extensions.conf').match(/(?<=Dial\(|&)\w+(?=\/)/g));
    t.same(loaded.sort(), [...dialled].map((technology) => `chan_${technology.toLowerCase()}`).sort());
  });
}

t.test('the dial string of each trunk', async (t) => {
  const lines = [
    [PJSIP, /Dial\(PJSIP\/\$\{EXTEN\}@trunk-out,20\)/],
    [CHAN_SIP, /Dial\(SIP\/trunk-out\/\$\{EXTEN\},20\)/],
    [IAX2, /Dial\(IAX2\/carrier\/\$\{EXTEN\},20\)/],
  ] as const;
  for (const [edition, line] of lines) t.match(textOf(await filesOf(edition), 'extensions.conf'), line);
});

t.test('both ends of the IAX2 trunk know each other', async (t) => {
  const near = textOf(await filesOf(IAX2), 'iax.conf');
  const far = textOf(await gateway(), 'iax.conf');
  t.match(
    near,
    /^bindport = 4570\nbindaddr[\s\S]*\[carrier\][\s\S]*\nport = 4571\nusername = company\nsecret = trunk-secret$/m,
  );
  t.match(
    far,
    /^bindport = 4571\nbindaddr[\s\S]*\[company\][\s\S]*\nport = 4570\nusername = carrier\nsecret = trunk-secret$/m,
  );
  t.match(textOf(await gateway(), 'extensions.conf'), /Dial\(IAX2\/company\/\$\{EXTEN\}\)/);
});

t.test('a word nobody filled in is told', async (t) => {
  const { PHONE_SECRET: _, ...others } = settings;
  await t.rejects(configFiles(CHAN_SIP.layers, { ...others, ...editionSettings(CHAN_SIP) }), {
    message: 'sip.conf: nothing is known as @PHONE_SECRET@',
  });
});
