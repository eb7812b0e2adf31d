/** What `check-config` makes of the events that come while it listens: both that every channel has, or it is not proven. */
import t from 'tap';
import { parseConfig } from '../../../config/load.ts';
import { hearingFindings } from '../../../src/commands/check/hearing.ts';
import { Secret } from '../../../src/secret.ts';
import { acceptLogin, type Peer, scriptedServer } from '../../adapters/asterisk/support.ts';

/** `events` are said before the list is whole, `later` after it; `originate`: what is answered when a channel is to be placed. */
async function findings(events: readonly string[], originate: string | null = null, later: readonly string[] = []) {
  const server = await scriptedServer();
  const text = [
    `[[source]]\ntype = 'asterisk'\nname = 'pbx1'\nhost = '127.0.0.1'\nport = ${server.port}\nusername = 'logcalld'`,
    "[leadsquared]\nhost = 'api-in21.leadsquared.com'",
  ];
  const [source] = parseConfig(text.join('\n'), 'logcalld.toml').source;
  if (source === undefined) throw new Error('no source');
  const told: string[] = [];
  const done = hearingFindings(source, new Secret('s'), {
    ...{ probe: originate !== null, tell: (one: string) => told.push(one), listenMs: later.length > 0 ? 60_000 : 1 },
  });
  const peer = await server.peers.find(() => true);
  const idOf = async (name: string): Promise<string> =>
    `ActionID: ${(await peer.actions.find((one) => one.get('Action') === name)).get('ActionID')}`;
  await acceptLogin(peer);
  const id = await idOf('Status');
  peer.packet('Response: Success', id, 'EventList: start');
  say(peer, events);
  peer.packet('Event: StatusComplete', id, 'EventList: Complete', 'ListItems: 0');
  // Asked when the list has been taken in.
  if (later.length > 0) await idOf('CoreStatus');
  say(peer, later);
  if (originate !== null) peer.packet('Response: Error', await idOf('Originate'), `Message: ${originate}`);
  const found = await done;
  await server.close();
  return found;
}

function say(peer: Peer, events: readonly string[]): void {
  for (const [at, name] of events.entries())
    peer.packet(`Event: ${name}`, 'Channel: PJSIP/1001-1', `Uniqueid: 1795344641.${at}`, `Linkedid: 1795344641.${at}`);
}

t.test('a beginning and an end, of whatever channels: they come through', async (t) => {
  t.match(await findings(['Newchannel', 'Newstate', 'Hangup']), [
    { level: 'ok', text: 'events of calls come through' },
  ]);
});

t.test('a part of it may be of a call that goes on: not proven, and what is lacking', async (t) => {
  for (const [events, text] of [
    [[], /^not proven: no event of a call came in 0 s; make a call while this runs/],
    [['Hangup'], /^not proven: .* a channel was heard to end and none to begin.*make a call/],
    [['Newchannel', 'Newstate'], /^not proven: .* a channel was heard to begin and none to end/],
    [['Newstate'], /^not proven: .* no channel was heard to begin or to end/],
  ] as const)
    t.match(await findings(events), [{ level: 'info', text }]);
});

t.test('ends of several channels without a beginning: a filter, with the lines to set', async (t) => {
  t.match(await findings([], null, ['Hangup', 'Hangup']), [
    { level: 'FAIL', text: /not the beginnings of channels/, lines: ['[logcalld]'] },
  ]);
});

t.test('a channel that was placed has both at once, so both are there', async (t) => {
  const placed = (events: readonly string[]) => findings(events, 'Originate failed');
  t.match(await placed(['Newchannel', 'Hangup']), [{ level: 'ok' }]);
});
