/** Legs that authenticated nobody, browsers of mod_verto, messages of a mailbox made by a script, rooms met in progress. */
import t from 'tap';
import { readEslFrame } from '../../../../adapters/freeswitch/capture.ts';
import { eventOf } from '../../../../adapters/freeswitch/link/event.ts';
import { snapshotEvents } from '../../../../adapters/freeswitch/snapshot/snapshot.ts';
import { partyOf } from '../../../../src/call/known/side.ts';
import type { ChannelFacts } from '../../../../src/telephony/call-event.ts';
import { frame, type Headers, micros, plan, START } from './normalise-support.ts';

const created = (headers: Headers): ChannelFacts => {
  const basis = { 'Event-Name': 'CHANNEL_CREATE', 'Unique-ID': 'a', 'Call-Direction': 'inbound' };
  const [event] = readEslFrame(frame({ ...basis, ...headers }), 'fs', START);
  if (event?.kind !== 'channel-created') throw new Error('no channel was created');
  return event.facts;
};

t.test('a short number from outside is no phone: nobody authenticated, in the context of strangers', async (t) => {
  const short = { 'Channel-Name': 'sofia/internal/14400@203.0.113.7', 'Caller-Caller-ID-Number': '14400' };
  t.match(partyOf(plan, created({ ...short, 'Caller-Context': 'public' })), { side: 'trunk' });
  t.match(partyOf(plan, created({ ...short, 'Caller-Context': 'default' })), { side: 'extension', ext: '14400' });
  const letIn = {
    'Channel-Name': 'sofia/internal/1001@10.0.0.5',
    'Caller-Context': 'public',
    variable_user_name: '1001',
  };
  t.match(partyOf(plan, created(letIn)), { side: 'extension', ext: '1001' }, 'by an access list of the directory');
});

t.test('a browser that calls by mod_verto is named by its login, not by what it dialled', async (t) => {
  for (const dialled of ['1002', '09845012345']) {
    const facts = created({
      'Channel-Name': `verto.rtc/${dialled}`,
      'Caller-Destination-Number': dialled,
      'Caller-Context': 'public',
      variable_verto_user: '1001@pbx.lab',
      variable_verto_host: 'pbx.lab',
    });
    t.match(facts, { endpoint: 'verto.rtc/1001', dialled, domain: 'pbx.lab' });
    t.match(partyOf(plan, facts), { side: 'extension', ext: '1001', domain: 'pbx.lab' });
  }
});

t.test('a message that a script records in the folder of the mailboxes was left', async (t) => {
  const stopped = (path: string, ms: string) =>
    readEslFrame(
      frame({ 'Event-Name': 'RECORD_STOP', 'Unique-ID': 'a', 'Record-File-Path': path, variable_record_ms: ms }),
      'fs',
      START,
    );
  const folder = '/var/lib/freeswitch/storage/voicemail/default/pbx.lab/1002';
  t.match(stopped(`${folder}/msg_9f56.wav`, '4000'), [{ kind: 'voicemail-left', channel: 'a', mailbox: '1002' }]);
  t.strictSame(stopped(`${folder}/msg_9f56.wav`, '1500'), [], 'too short to be kept');
  t.strictSame(stopped(`${folder}/greeting_1.wav`, '9000'), [], 'the greeting of its owner');
  t.match(stopped('/rec/msg_1.wav', '4000'), [{ kind: 'recording' }]);
});

t.test('a leg listed in a conference is in its room', async (t) => {
  const dump = {
    'Unique-ID': 'a',
    'Channel-Name': 'sofia/external/+919845012345@203.0.113.7',
    'Call-Direction': 'inbound',
    'Caller-Channel-Created-Time': micros(0),
    variable_conference_uuid: 'room',
  };
  const listed = (application: string) => {
    const event = eventOf({ ...dump, variable_current_application: application });
    return event === null ? [] : snapshotEvents(event, 'fs', START);
  };
  t.match(listed('conference'), [{}, { kind: 'bridge-entered', bridge: 'room', bridgeKind: 'conference' }]);
  t.equal(listed('playback').length, 1, 'it has left');
});
