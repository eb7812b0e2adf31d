/** Which request is answered by what, and who may ask. */
import { parseJson } from '../json.ts';
import { activitiesInWindow, activitiesOfLead } from './activities.ts';
import { type Answer, badRequest, exception, json, text } from './answer.ts';
import { logCall, updateCall } from './calls.ts';
import { captureLead, leadByPhone, leadsByField } from './leads.ts';
import { ownerOfKeys, usersList, usersSearch } from './users.ts';
import type { World } from './world.ts';

/** A request as it arrived, with its body read to the end. */
export interface SandboxRequest {
  readonly method: string;
  /** Without the query and without `/v2`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Keys {
  readonly accessKey: string;
  readonly secretKey: string;
  /** When set, this is the wrong host for the account: 401 that names the right one. */
  readonly rightHost: string | null;
  /** URL under which this server is reached. */
  readonly url: () => string;
}

type Handler = (world: World, request: SandboxRequest, body: unknown, keys: Keys) => Answer;

const PROBE = '/Authentication.svc/UserByAccessKey.Get';

const ROUTES: ReadonlyMap<string, { readonly method: 'GET' | 'POST'; readonly handle: Handler }> = new Map([
  ['/Telephony.svc/LogCall', { method: 'POST', handle: (world, _, body) => logCall(world, body) }],
  ['/Telephony.svc/PhoneCallActivity/Update', { method: 'POST', handle: (world, _, body) => updateCall(world, body) }],
  [
    '/LeadManagement.svc/RetrieveLeadByPhoneNumber',
    { method: 'GET', handle: (world, { query }) => leadByPhone(world, query.get('phone')) },
  ],
  ['/LeadManagement.svc/Leads.Get', { method: 'POST', handle: (world, _, body) => leadsByField(world, body) }],
  ['/LeadManagement.svc/Lead.Capture', { method: 'POST', handle: (world, _, body) => captureLead(world, body) }],
  ['/UserManagement.svc/Users.Get', { method: 'GET', handle: (world) => usersList(world) }],
  ['/UserManagement.svc/User/AdvancedSearch', { method: 'POST', handle: (world, _, body) => usersSearch(world, body) }],
  [
    '/ProspectActivity.svc/Retrieve',
    { method: 'POST', handle: (world, { query }, body) => activitiesOfLead(world, query.get('leadId'), body) },
  ],
  [
    '/ProspectActivity.svc/CustomActivity/RetrieveByActivityEvent',
    { method: 'POST', handle: (world, _, body) => activitiesInWindow(world, body) },
  ],
  [
    PROBE,
    {
      method: 'GET',
      handle: (world, _request, _body, keys) =>
        ownerOfKeys(world, keys.rightHost === null ? keys.url() : `https://${keys.rightHost}/v2/`),
    },
  ],
] satisfies [string, { method: 'GET' | 'POST'; handle: Handler }][]);

function refusal(request: SandboxRequest, keys: Keys): Answer | null {
  const header = (name: string): string | null => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : null;
  };
  const access = header('x-lsq-accesskey') ?? request.query.get('accessKey');
  const secret = header('x-lsq-secretkey') ?? request.query.get('secretKey');
  if (access !== keys.accessKey || secret !== keys.secretKey) {
    return exception('MXInvalidAccessDetailsException', 'Invalid Access Details provided.', 401);
  }
  if (keys.rightHost === null || request.path === PROBE) return null;
  // That the text names the right host is known; its exact words are not.
  return exception('MXInvalidAccessDetailsException', `Please use the API host ${keys.rightHost} instead.`, 401);
}

/** The true answer to a request; carries out what it asks for. */
export function answerTo(world: World, request: SandboxRequest, keys: Keys): Answer {
  const refused = refusal(request, keys);
  if (refused !== null) return refused;
  const route = ROUTES.get(request.path);
  if (route === undefined) return text(404, 'Endpoint not found.', 'text/html; charset=utf-8');
  if (route.method !== request.method) return json(405, { Message: 'Method not allowed.' });
  if (route.method === 'GET') return route.handle(world, request, null, keys);
  const contentType = request.headers['content-type'];
  if (typeof contentType !== 'string' || !/^application\/json\s*(;|$)/i.test(contentType)) {
    return badRequest('The Content-Type is not application/json.');
  }
  const body = parseJson(request.body);
  return body === undefined ? badRequest('The request body is not JSON.') : route.handle(world, request, body, keys);
}
