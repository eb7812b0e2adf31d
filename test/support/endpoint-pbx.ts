/** PBXs that answer questions for their endpoints in the exact form of the real ones, and note what they were asked. */
import { createServer, type Socket } from 'node:net';

async function serve(greeting: string, end: RegExp, answer: (request: string, socket: Socket) => string) {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    let text = '';
    socket.on('error', () => socket.destroy());
    socket.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      for (let at = text.search(end); at >= 0; at = text.search(end)) {
        const request = text.slice(0, at);
        text = text.slice(at).replace(end, '');
        const reply = answer(request, socket);
        if (reply !== '') socket.write(reply);
      }
    });
    socket.write(greeting);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port, close };
}

export interface AsteriskAnswers {
  /** Items of the lists by their action: lines of one event each. An action that is not here is not among the user's commands. */
  readonly lists: Readonly<Record<string, readonly (readonly string[])[]>>;
  /** What `Getvar` tells; `null`: the user may not ask. */
  readonly values: Readonly<Record<string, string>> | null;
  /** Items of `Status`. */
  readonly live?: readonly (readonly string[])[];
  /** The connection breaks at the question with this in it. */
  readonly breaksAt?: string;
}

const COMPLETE: Readonly<Record<string, string>> = {
  PJSIPShowEndpoints: 'EndpointListComplete',
  SIPpeers: 'PeerlistComplete',
  IAXpeerlist: 'PeerlistComplete',
};

/** An Asterisk whose AMI user is `logcalld`. */
export async function asteriskWith({ lists, values, live = [], breaksAt }: AsteriskAnswers) {
  const asked: string[] = [];
  const commands = ['Challenge', 'Events', 'ListCommands', 'Login', 'Ping', 'Status', ...Object.keys(lists)];
  const shown = [...commands, ...(values === null ? [] : ['CoreShowChannels', 'Getvar'])].sort();
  const packet = (...lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`;
  const list = (action: string, id: string, items: readonly (readonly string[])[]): string =>
    [
      packet('Response: Success', id, 'EventList: start', 'Message: A list will follow'),
      ...items.map(([event = '', ...more]) => packet(event, id, ...more)),
      packet(
        `Event: ${COMPLETE[action] ?? `${action}Complete`}`,
        id,
        'EventList: Complete',
        `ListItems: ${items.length}`,
      ),
    ].join('');
  const server = await serve('Asterisk Call Manager/11.0.0\r\n', /\r\n\r\n/, (request, socket) => {
    const header = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(request)?.[1]?.trim() ?? '';
    const action = header('Action');
    const id = `ActionID: ${header('ActionID')}`;
    const variable = header('Variable');
    asked.push(variable === '' ? action : `${action} ${variable}`);
    if (breaksAt !== undefined && request.includes(breaksAt)) {
      socket.destroy();
      return '';
    }
    if (action === 'Challenge') return packet('Response: Success', id, 'Challenge: 5');
    if (action === 'Login')
      return (
        packet('Response: Success', id, 'Message: Authentication accepted') + packet('Event: FullyBooted', 'Uptime: 60')
      );
    if (action === 'Status') return list(action, id, live);
    if (action === 'ListCommands')
      return packet('Response: Success', id, ...shown.map((name) => `${name}: What it does.  (Priv: <none>)`));
    if (action === 'Getvar' && values !== null)
      return packet('Response: Success', id, `Variable: ${variable}`, `Value: ${values[variable] ?? ''}`);
    if (action === 'Logoff') {
      socket.end(packet('Response: Goodbye', id, 'Message: Thanks for all the fish.'));
      return '';
    }
    const items = lists[action];
    if (items !== undefined) return list(action, id, items);
    return packet('Response: Error', id, 'Message: Permission denied');
  });
  return { ...server, asked };
}

/** The state of a device, as `DeviceStateList` has it. */
export function deviceState(device: string): readonly string[] {
  return ['Event: DeviceStateChange', `Device: ${device}`, 'State: NOT_INUSE'];
}

/** A FreeSWITCH that answers these `api` commands; any other one it does not know. */
export async function freeswitchWith(answers: Readonly<Record<string, string>>) {
  const asked: string[] = [];
  const reply = (text: string): string => `Content-Type: command/reply\nReply-Text: ${text}\n\n`;
  const api = (body: string): string =>
    `Content-Type: api/response\nContent-Length: ${Buffer.byteLength(body)}\n\n${body}`;
  const server = await serve('Content-Type: auth/request\n\n', /\n\n/, (request, socket) => {
    if (request.startsWith('auth ')) return reply('+OK accepted');
    if (request.startsWith('event ')) return reply('+OK event listener enabled json');
    if (request === 'exit') {
      socket.end(reply('+OK bye'));
      return '';
    }
    const command = request.replace(/^api /, '');
    asked.push(command);
    if (command === 'show channels as json') return api('{"row_count": 0}\n');
    return api(answers[command] ?? `-ERR ${command.split(' ')[0]} Command not found!\n`);
  });
  return { ...server, asked };
}
