/**
 * The telephones and trunks that Asterisk has, and the contexts in which their calls begin.
 *
 * What may be asked is looked up first (`ListCommands`, which tells the user's own commands), so nothing is asked that would be
 * refused, and no more rights are needed than those of the README: `write = reporting` has `DeviceStateList`, in which every PJSIP
 * endpoint has a state, `SIPpeers`, `IAXpeerlist` and `Getvar`. `PJSIPShowEndpoints` needs `system` and is asked where the user
 * has that. `PJSIPShowEndpoint` is never asked: its answer holds the passwords of the phones. The context is read with a dialplan
 * function, which `Getvar` evaluates without a channel. (Classes: `ast_manager_register_xml` in each module.)
 */
import type { EndpointListing, ListedEndpoint } from '../../src/ports.ts';
import { lineOf } from './events/channel-name.ts';
import { AmiActionError, type AmiList } from './link/actions.ts';
import type { AmiPacket } from './link/packet.ts';

/** What is used of the client. */
export interface EndpointLink {
  action(name: string, fields?: readonly (readonly [string, string])[]): Promise<AmiPacket>;
  listAction(name: string): Promise<AmiList>;
}

/** Of how many endpoints of a driver the contexts are asked for; of how many at first, and then at a time. */
export const MOST_ENDPOINTS = 1_000;
const FIRST = 3;
const AT_A_TIME = 20;

/** A channel driver: the list of its endpoints, and the function that reads the context of one. */
interface Driver {
  readonly technology: string;
  /** The commands that list it, the best first. */
  readonly lists: readonly string[];
  readonly contextFunction: string;
  /** The module of that function, where it is not that of the driver. */
  readonly functionModule: string | null;
}

const DRIVERS: readonly Driver[] = [
  {
    technology: 'PJSIP',
    lists: ['PJSIPShowEndpoints', 'DeviceStateList'],
    contextFunction: 'PJSIP_ENDPOINT',
    functionModule: 'func_pjsip_endpoint.so',
  },
  { technology: 'SIP', lists: ['SIPpeers'], contextFunction: 'SIPPEER', functionModule: null },
  { technology: 'IAX2', lists: ['IAXpeerlist'], contextFunction: 'IAXPEER', functionModule: null },
];

/** Names in an answer to one of the lists. A device state names the driver, too, and there are states of other things. */
function nameIn(list: string, technology: string, item: AmiPacket): string | null {
  if (list !== 'DeviceStateList') return item.get('ObjectName') ?? null;
  const [driver, name] = (item.get('Device') ?? '').split(/\/(.*)/s);
  return driver === technology && name !== undefined && name !== '' ? name : null;
}

/** Named contexts of FreePBX and its predecessors: all that the web interface makes hangs on this one. */
const FREEPBX_CONTEXT = 'from-internal-additional';

export const RECORDINGS_HINT =
  'FreePBX tells the file names of recordings only if the line "recordingfile => recordingfile" is in ' +
  '/etc/asterisk/cdr_manager_mapping_custom.conf; after adding it: asterisk -rx "module reload cdr_manager.so".';

/** `username`: the AMI user, for the remedies. */
export async function listEndpoints(link: EndpointLink, username: string): Promise<EndpointListing> {
  const endpoints: ListedEndpoint[] = [];
  const gaps: string[] = [];
  const hints: string[] = [];
  try {
    const may = await commandsOf(link);
    // With `call` alone the lists of chan_sip and chan_iax2 are missing; with `system` alone the contexts.
    if (!may('Getvar') || !may('CoreShowChannels')) gaps.push(noRights(username));
    else if (!may('PJSIPShowEndpoints') && !may('DeviceStateList')) gaps.push(noDeviceStates);
    if (!may('Getvar')) return { endpoints, gaps, hints };
    for (const driver of DRIVERS) {
      const list = driver.lists.find(may);
      if (list === undefined) continue;
      const found = await endpointsOf(link, driver, list);
      endpoints.push(...found.endpoints);
      gaps.push(...found.gaps);
    }
    if (may('DAHDIShowChannels')) endpoints.push(...ports((await link.listAction('DAHDIShowChannels')).items));
    if (may('PRIShowSpans')) endpoints.push(...spans((await link.listAction('PRIShowSpans')).items));
    if ((await variableOf(link, `DIALPLAN_EXISTS(${FREEPBX_CONTEXT})`)) === '1') hints.push(RECORDINGS_HINT);
  } catch (error) {
    const why = error instanceof AmiActionError ? error.message : String(error);
    gaps.push(`The list of endpoints broke off: ${why}`);
  }
  return { endpoints, gaps, hints };
}

function noRights(username: string): string {
  return `The AMI user "${username}" may not list endpoints, so only those of live calls were seen: "write = reporting" in manager.conf, then "manager reload", shows all.`;
}

const noDeviceStates =
  'Asterisk does not list its PJSIP endpoints, so only those of live calls were seen: load res_manager_devicestate.so in modules.conf to see all.';

/** Which commands the user may use, and Asterisk has. */
async function commandsOf(link: EndpointLink): Promise<(name: string) => boolean> {
  const names = new Set((await link.action('ListCommands')).headers.map(([name]) => name));
  return (name) => names.has(name);
}

async function endpointsOf(
  link: EndpointLink,
  { technology, contextFunction, functionModule }: Driver,
  list: string,
): Promise<Pick<EndpointListing, 'endpoints' | 'gaps'>> {
  const { items } = await link.listAction(list);
  const named = new Set(items.flatMap((item) => nameIn(list, technology, item) ?? []));
  // No function can be asked for a name with its own signs in it, and none such can be dialled.
  const all = [...named].filter((name) => !/[(),"\\|]/.test(name)).sort();
  const names = all.slice(0, MOST_ENDPOINTS);
  const gaps =
    all.length === names.length
      ? []
      : [`Of ${all.length} ${technology} endpoints only the first ${names.length} were looked at.`];
  const contexts: (string | null)[] = [];
  for (let size = FIRST; contexts.length < names.length; size = AT_A_TIME) {
    const some = names.slice(contexts.length, contexts.length + size);
    contexts.push(...(await Promise.all(some.map((name) => variableOf(link, `${contextFunction}(${name},context)`)))));
    // A function that is missing says nothing of any endpoint, and Asterisk logs each question.
    if (contexts.every((context) => context === null)) break;
  }
  const told = contexts.some((context) => context !== null);
  if (names.length > 0 && !told && functionModule !== null)
    gaps.push(
      `Asterisk does not tell the contexts of its ${technology} endpoints: load ${functionModule} in modules.conf; judged by their names alone.`,
    );
  const endpoints = names.flatMap((name, at): ListedEndpoint[] => {
    const context = contexts[at] ?? null;
    // The state of an endpoint that is no more is kept until Asterisk starts again.
    if (list === 'DeviceStateList' && told && context === null) return [];
    return [{ endpoint: `${technology}/${name}`, context, line: null, domain: null, kind: 'account' }];
  });
  return { endpoints, gaps };
}

async function variableOf(link: EndpointLink, variable: string): Promise<string | null> {
  try {
    return (await link.action('Getvar', [['Variable', variable]])).get('Value') || null;
  } catch (error) {
    if (error instanceof AmiActionError && error.failure === 'refused') return null;
    throw error;
  }
}

/** Analog ports and channels of other signalling. Those of ISDN belong to a span: calls name it, and not the channel. */
function ports(items: readonly AmiPacket[]): ListedEndpoint[] {
  return items.flatMap((item) => {
    const channel = item.get('DAHDIChannel') ?? '';
    if (channel === '' || (item.get('Signalling') ?? '').startsWith('ISDN')) return [];
    return [socket(`DAHDI/${channel}`, item.get('Context') || null)];
  });
}

function spans(items: readonly AmiPacket[]): ListedEndpoint[] {
  const numbers = new Set(items.flatMap((item) => item.get('Span') ?? []));
  return [...numbers].map((span) => socket(`DAHDI/i${span}`, null));
}

function socket(endpoint: string, context: string | null): ListedEndpoint {
  return { endpoint, context, line: lineOf(`${endpoint}/`), domain: null, kind: 'port' };
}
