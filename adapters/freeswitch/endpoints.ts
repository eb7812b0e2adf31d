/**
 * The telephones and trunks that FreeSWITCH has: users of its directory and what has registered, gateways, and the profiles on
 * which calls without an account come in. Forms of the answers: `list_users` in mod_commands, `sofia xmlstatus` in mod_sofia,
 * `show registrations` in the core.
 */
import type { EndpointListing, ListedEndpoint } from '../../src/ports.ts';
import { bodyText, type EslFrame } from './link/codec.ts';
import { eventOf } from './link/event.ts';
import { rowsOf } from './snapshot/snapshot.ts';

/** What is used of the client. */
export interface EndpointLink {
  query(command: string, fits?: (reply: EslFrame) => boolean): Promise<EslFrame>;
}

const MOST_PROFILES = 20;

const NO_DIRECTORY =
  'FreeSWITCH does not list the users of its directory (they may be in a database): only phones that are registered now were seen.';

export async function listEndpoints(link: EndpointLink): Promise<EndpointListing> {
  const endpoints: ListedEndpoint[] = [];
  const gaps: string[] = [];
  try {
    const sofia = await ask(link, 'sofia xmlstatus', (text) => text.includes('<profiles>'));
    const profiles = namesOf(sofia, 'profile');
    const users = readUsers(await ask(link, 'list_users', (text) => text.startsWith('userid|')), homeOf(profiles));
    if (users.length === 0) gaps.push(NO_DIRECTORY);
    const registered = await ask(link, 'show registrations as json', (text) => text.includes('"row_count"'));
    endpoints.push(...merged(users, readRegistrations(registered, homeOf(profiles))));
    endpoints.push(...namesOf(sofia, 'gateway').map(gatewayOf));
    for (const profile of profiles.slice(0, MOST_PROFILES)) {
      const status = await ask(link, `sofia xmlstatus profile ${profile}`, (text) => text.includes('<profile-info>'));
      endpoints.push(guestOf(profile, /<context>([^<]*)<\/context>/.exec(status)?.[1] || null));
    }
  } catch (error) {
    gaps.push(`The list of endpoints broke off: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { endpoints, gaps, hints: [] };
}

/** The text of the answer; a command that FreeSWITCH does not have (its module is not loaded) answers with an error, as text. */
async function ask(link: EndpointLink, command: string, form: (text: string) => boolean): Promise<string> {
  const fits = (text: string): boolean => form(text) || text.startsWith('-') || text.startsWith('Invalid ');
  return bodyText(await link.query(command, (reply) => fits(bodyText(reply))));
}

/** Names of `<profile>` or `<gateway>` in an answer to `sofia xmlstatus`; a profile is there once for each transport. */
function namesOf(xml: string, kind: 'profile' | 'gateway'): string[] {
  const found = [...xml.matchAll(new RegExp(`<${kind}>\\s*<name>([^<]+)</name>`, 'g'))];
  return [...new Set(found.flatMap(([, name]) => name ?? []))];
}

/** The profile of phones that are not registered at the moment: `internal` in the stock configuration and in FusionPBX. */
function homeOf(profiles: readonly string[]): string {
  return profiles.includes('internal') ? 'internal' : (profiles[0] ?? 'internal');
}

/**
 * Lines of `list_users`: `userid|context|domain|group|contact|callgroup|name|number`, of which the first names the columns. A user
 * of several groups has a line for each.
 */
function readUsers(text: string, home: string): ListedEndpoint[] {
  const [head = '', ...lines] = text.split(/\r?\n/);
  if (!head.startsWith('userid|')) return [];
  return lines.flatMap((line) => {
    // A user without a context has the C library's word for nothing there.
    const [id = '', context = '', domain = '', , contact = ''] = line.replaceAll('(null)', '').split('|');
    if (id === '' || !line.includes('|')) return [];
    return [phoneOf(profileIn(contact) ?? home, id, context, domain)];
  });
}

/** Rows of `show registrations as json`: `reg_user`, `realm`, `url` ... The context is not told. */
function readRegistrations(text: string, home: string): ListedEndpoint[] {
  return (rowsOf(text) ?? []).flatMap((row) => {
    const registration = eventOf(row);
    const user = registration?.get('reg_user') ?? '';
    if (user === '') return [];
    const profile = profileIn(registration?.get('url') ?? '') ?? home;
    return [phoneOf(profile, user, '', registration?.get('realm') ?? '')];
  });
}

/** `sofia/internal/sip:1001@10.0.0.7:5060` is a contact on the profile `internal`. */
function profileIn(contact: string): string | null {
  return /^sofia\/([^/]+)\//.exec(contact)?.[1] ?? null;
}

/** As its calls show it: an account that authenticated is a phone, unless its calls begin in the context of carriers. */
function phoneOf(profile: string, user: string, context: string, domain: string): ListedEndpoint {
  return {
    endpoint: `sofia/${profile}/${user}`,
    context: context || null,
    line: context === 'public' ? null : { side: 'extension', fact: `SIP account ${user}` },
    domain: domain || null,
    kind: 'account',
  };
}

function gatewayOf(name: string): ListedEndpoint {
  const line = { side: 'trunk', fact: `gateway ${name}` } as const;
  return { endpoint: `sofia/gateway/${name}`, context: null, line, domain: null, kind: 'account' };
}

/** Whoever calls in on a profile without an account is named by its host. */
function guestOf(profile: string, context: string | null): ListedEndpoint {
  return { endpoint: `sofia/${profile}/HOST`, context, line: null, domain: null, kind: 'guests' };
}

/** Each user of each domain once; the line of the directory knows more than the registration. */
function merged(users: readonly ListedEndpoint[], registered: readonly ListedEndpoint[]): ListedEndpoint[] {
  const byAccount = new Map<string, ListedEndpoint>();
  for (const one of [...users, ...registered]) {
    const account = `${one.endpoint.slice(one.endpoint.lastIndexOf('/') + 1)}@${one.domain?.toLowerCase() ?? ''}`;
    if (!byAccount.has(account)) byAccount.set(account, one);
  }
  return [...byAccount.values()];
}
