/** One question after the other: an option of the command line stands for its answer, `--yes` for all that are left. */
import { parseConfig } from '../../../config/load.ts';
import { ConfigError } from '../../../config/problem.ts';
import { type Invocation, UsageError } from '../../cli/command.ts';
import type { Asker } from './ask.ts';
import { type FoundPbx, LOGIN, type PbxType, type RecordsPlace } from './found.ts';
import { type Answers, configText, type Layout } from './text.ts';

export interface Questions {
  readonly invocation: Invocation;
  /** `null`: nobody is to be asked. */
  readonly asker: Asker | null;
  readonly say: (line: string) => void;
  readonly layout: Layout;
}

/** The host of India, where most accounts are: a wrong one answers with the right one. */
const CRM_HOST = 'api-in21.leadsquared.com';
const TLS_PORT = 5039;
const HERE = ['127.0.0.1', '::1', 'localhost'];

const START: Answers = {
  ...{ type: 'asterisk', name: 'pbx1', host: '127.0.0.1', port: null, tls: false, username: LOGIN, country: 'IN' },
  ...{ records: null, crm: CRM_HOST, defaultUser: null, omit: false },
};

/** Throws `UsageError` where an option is wrong, or one is missing and nobody may be asked. */
export async function gather(
  it: Questions,
  found: readonly FoundPbx[],
): Promise<{ answers: Answers; pbx: FoundPbx | null }> {
  const place = await placeOf(it, found);
  const here = isHere(place.host);
  const pbx = found.find(({ type, port }) => here && type === place.type && port === place.port) ?? null;
  let so: Answers = { ...START, ...place };
  const asked = async (
    option: string,
    question: string,
    preset: string | null,
    use: (answer: string) => Partial<Answers>,
  ): Promise<void> => {
    so = { ...so, ...(await answer(it, so, { option, question, preset, use })) };
  };
  await asked('name', 'A short name for it: every call id begins with it', so.name, (name) => ({ name }));
  if (so.type === 'asterisk') {
    so = { ...so, ...(await secured(it, so)) };
    await asked('username', 'Name of the AMI user that logcalld is to have', so.username, (username) => ({ username }));
  }
  await asked('country', 'Country of the numbers on its trunks, two letters', so.country, (text) => ({
    country: text.toUpperCase(),
  }));
  so = { ...so, records: await recordsFor(it, pbx) };
  await asked('leadsquared-host', 'API host of the LeadSquared account', it.asker === null ? null : so.crm, (crm) => ({
    crm,
  }));
  so = { ...so, ...(await defaultUser(it, so)) };
  return { answers: so, pbx };
}

function defaultUser(it: Questions, so: Answers): Promise<Partial<Answers>> {
  return answer(it, so, {
    option: 'default-user',
    about: 'An answered call whose agent has no line in the users file, of a lead without an owner:',
    question: 'E-mail of the LeadSquared user whose it is, wait (for that line), or omit (it has no user)',
    preset: 'wait',
    use: (text) => ({ defaultUser: WORDS.includes(text) ? null : text, omit: text === 'omit' }),
    // LeadSquared is not asked yet; what was meant for another question is told all the same.
    refuse: (text) => (WORDS.includes(text) || E_MAIL.test(text) ? null : 'an e-mail address, wait or omit'),
  });
}

/** What can be said in place of an address. */
const WORDS = ['wait', 'omit'];

const E_MAIL = /^[^\s@:/]+@[^\s@:/]+$/;

const isHere = (host: string): boolean => HERE.includes(host);

type Place = Pick<Answers, 'type' | 'host' | 'port'>;

async function placeOf(it: Questions, found: readonly FoundPbx[]): Promise<Place> {
  const { invocation, asker, say } = it;
  const [asterisk, freeswitch] = [invocation.value('asterisk'), invocation.value('freeswitch')];
  if (asterisk !== null && freeswitch !== null)
    throw new UsageError(
      '--asterisk and --freeswitch: one of them.',
      'logcalld init --help, a second PBX is added by hand',
    );
  const given = asterisk !== null ? 'asterisk' : freeswitch !== null ? 'freeswitch' : null;
  if (given === 'freeswitch') refuseOfAmi(invocation);
  if (given !== null) return placed(it, given, null);
  for (const { product, by, records } of found)
    say(`Found ${product} (${by})${records === null ? '' : ', with records of calls'}.`);
  const [first] = found;
  if (asker === null) {
    if (first === undefined)
      throw new UsageError('No PBX was found on this machine.', 'logcalld init --asterisk HOST, or --freeswitch HOST');
    if (first.type === 'freeswitch') refuseOfAmi(invocation);
    return { type: first.type, host: '127.0.0.1', port: first.port };
  }
  const type = await typeFrom(asker, first?.type ?? null);
  if (type === 'freeswitch') refuseOfAmi(invocation);
  const here = found.find((one) => one.type === type);
  const preset = here?.port == null ? '127.0.0.1' : `127.0.0.1:${here.port}`;
  return placed(it, type, preset);
}

/** Whoever gives it believes in what it says: that the way is encrypted, say. */
function refuseOfAmi(invocation: Invocation): void {
  const option = ['tls', 'username'].find((name) => invocation.flag(name));
  if (option === undefined) return;
  const why = option === 'tls' ? 'has no TLS: a tunnel is what encrypts it (README.md)' : 'knows no users';
  throw new UsageError(`--${option} is for AMI; the event socket ${why}.`, 'logcalld init --help');
}

/** The option is named like the type. */
async function placed(it: Questions, type: PbxType, preset: string | null): Promise<Place> {
  const use = (text: string): Place => addressOf(type, text);
  const start = { ...START, type };
  const question = { option: type, question: 'Its name or address', preset, use };
  const { host, port } = { ...start, ...(await answer(it, start, question)) };
  return { type, host, port };
}

async function typeFrom(asker: Asker, preset: PbxType | null): Promise<PbxType> {
  for (;;) {
    const word = await asker.line('The PBX: asterisk (also FreePBX) or freeswitch (also FusionPBX)', preset);
    const type = (['asterisk', 'freeswitch'] as const).find((one) => one.startsWith(word.toLowerCase()));
    if (type !== undefined) return type;
  }
}

/** `pbx.example.com:5038`, `[::1]:5038`, `::1`. */
function addressOf(type: PbxType, text: string): Place {
  const form = /^(?:\[(?<six>[^\]]+)\]|(?<plain>[^:]+))(?::(?<port>\d{1,5}))?$/.exec(text.trim());
  const host = form?.groups?.six ?? form?.groups?.plain ?? text.trim();
  return { type, host, port: form?.groups?.port === undefined ? null : Number(form.groups.port) };
}

interface Question {
  readonly option: string;
  /** Said before it is asked. */
  readonly about?: string;
  readonly question: string;
  /** `null`: it has no answer of its own. */
  readonly preset: string | null;
  readonly use: (answer: string) => Partial<Answers>;
  /** What was expected, where the config itself would not say it. */
  readonly refuse?: (answer: string) => string | null;
}

/** What the config would say of the answer decides whether it is one. */
async function answer(
  { invocation, asker, say, layout }: Questions,
  so: Answers,
  it: Question,
): Promise<Partial<Answers>> {
  const given = invocation.value(it.option);
  const fixed = given ?? (asker === null ? it.preset : null);
  if (fixed !== null) {
    const part = it.use(fixed);
    const wrong = it.refuse?.(fixed) ?? complaint({ ...so, ...part }, layout);
    if (wrong !== null) throw new UsageError(`--${it.option}: expected ${wrong}.`, 'logcalld init --help');
    return part;
  }
  if (asker === null) throw new UsageError(`--${it.option} is missing.`, 'logcalld init --help');
  if (it.about !== undefined) say(it.about);
  for (;;) {
    const typed = await asker.line(it.question, it.preset);
    const part = it.use(typed);
    const wrong = it.refuse?.(typed) ?? complaint({ ...so, ...part }, layout);
    if (wrong === null) return part;
    say(`  Expected ${wrong}.`);
  }
}

function complaint(answers: Answers, layout: Layout): string | null {
  try {
    parseConfig(configText(answers, layout), '/etc/logcalld/logcalld.toml');
    return null;
  } catch (error) {
    if (error instanceof ConfigError) return error.problems[0]?.expected ?? 'something else';
    throw error;
  }
}

/** AMI crosses a network readable unless it is told not to. */
async function secured({ invocation, asker }: Questions, { host, port }: Answers): Promise<Partial<Answers>> {
  const wanted =
    invocation.flag('tls') ||
    (asker !== null &&
      !isHere(host) &&
      (await asker.yes('Is TLS on there (tlsenable in manager.conf)? Without it all is readable on the way', true)));
  return wanted ? { tls: true, port: port ?? TLS_PORT } : { tls: false };
}

async function recordsFor({ invocation, asker }: Questions, pbx: FoundPbx | null): Promise<RecordsPlace | null> {
  const records = pbx?.records ?? null;
  if (records === null || invocation.flag('no-records')) return null;
  const where = 'file' in records ? records.file : 'folder' in records ? records.folder : records.socket;
  const question = `Take calls that nobody heard from the records of ${pbx?.product} (${where})`;
  return asker === null || (await asker.yes(question, true)) ? records : null;
}
