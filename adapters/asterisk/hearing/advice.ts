/** What keeps events of calls from coming, in a sentence, and the lines of manager.conf that let them through. */
import type { Deaf, Unheard } from '../../../src/ports.ts';

/** The classes of events that calls are logged by. */
export const READ = 'read = system,call,agent,cdr,user';

/** In `[general]`: names of recordings, and whether a caller asked that his number is not shown. */
export const CHANNEL_VARIABLES = 'channelvars = MIXMONITOR_FILENAME,CALLERID(pres)';

/**
 * Events that are not needed: half of the traffic. `!`: what it names is held back, and all else passes. `^`: a caller may call himself
 * like an event.
 */
export const FILTER =
  'eventfilter = !^Event: (DeviceStateChange|ExtensionStatus|PresenceStateChange|PresenceStatus|MusicOnHoldStart|MusicOnHoldStop|ContactStatus|PeerStatus|Registry|ChannelTalkingStart|ChannelTalkingStop|QueueMemberStatus|BridgeCreate|BridgeDestroy|NewConnectedLine|DialState|CEL|TestEvent|RTCPSent|RTCPReceived|MixMonitorMute|ConfbridgeTalking|VarSet|Newexten)';

const EVENTS: Readonly<Record<Exclude<Unheard, 'all'>, string>> = { beginnings: 'Newchannel', ends: 'Hangup' };

const THEN = 'Then: asterisk -rx "module reload manager". logcalld logs in anew by itself;';

/** Rights do not hold back single events, filters do. */
export function deafTo(what: Unheard, source: string, username: string): Deaf {
  if (what === 'all') {
    return {
      text:
        `Asterisk "${source}" has calls and sends no event of them: in manager.conf the AMI user [${username}] lacks "call" in ` +
        'its line "read", or a line "eventfilter" lets nothing through. FreePBX: /etc/asterisk/manager_custom.conf, or Settings, ' +
        `Asterisk Manager Users. Set these lines, and no other eventfilter. ${THEN} this is over with the first call that is heard.`,
      lines: [`[${username}]`, READ, FILTER],
    };
  }
  return {
    text:
      `Asterisk "${source}" sends events of calls, but not the ${what} of channels (${EVENTS[what]}): a line "eventfilter" of the AMI ` +
      `user [${username}] in manager.conf holds them back, so calls are missing or wrong. Set these lines, and no other eventfilter. ${THEN} ` +
      'this is over when calls are heard whole again.',
    lines: [`[${username}]`, READ, FILTER],
  };
}

/** Calls are heard, but nothing of the queues in which their callers wait. */
export function deafToQueues(source: string, username: string): Deaf {
  return {
    text:
      `Asterisk "${source}" has callers in its queues and sends no event of them, so their calls are logged without the queue: in ` +
      `manager.conf the AMI user [${username}] lacks "agent" in its line "read", or a line "eventfilter" holds them back. FreePBX: ` +
      `/etc/asterisk/manager_custom.conf, or Settings, Asterisk Manager Users. Set these lines, and no other eventfilter. Then: ` +
      'asterisk -rx "manager reload". logcalld logs in anew by itself; this is over with the next caller in a queue.',
    lines: [`[${username}]`, READ, FILTER],
  };
}
