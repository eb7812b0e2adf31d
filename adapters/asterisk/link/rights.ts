/** What the AMI user may do, as far as it can be told from outside. */
import type { AmiPacket } from './packet.ts';

/** Events that every call has, whatever is filtered: where none of these comes, the user lacks rights. */
const CALL_EVENTS = new Set(['Newchannel', 'Newstate', 'Hangup', 'BridgeEnter', 'BridgeLeave', 'DialBegin', 'DialEnd']);

/**
 * AMI does not tell which events a user may read, and sends a user without the class `call` nothing at all. What gives it
 * away: the lists of live channels differ from one minute to the next although no event about a channel has come.
 */
export function rightsCheck() {
  let callEvents = 0;
  let listed: ReadonlySet<string> | null = null;
  let missing = false;
  return {
    see(event: string): void {
      if (CALL_EVENTS.has(event)) callEvents += 1;
    },
    /** True while nothing has shown yet that the rights are there. */
    inDoubt: (): boolean => callEvents === 0,
    listed(items: readonly AmiPacket[]): void {
      const now = new Set(items.map((item) => item.get('Uniqueid') ?? ''));
      const changed = listed !== null && (now.size !== listed.size || [...now].some((id) => listed?.has(id) !== true));
      if (callEvents === 0 && changed) missing = true;
      listed = now;
    },
    missing: (): boolean => missing && callEvents === 0,
  };
}

export function noCallRights(source: string, username: string): string {
  return `Asterisk "${source}" has calls but sends no events about them: give the AMI user "${username}" the class "call" (read = system,call,agent,cdr,user in manager.conf, then "manager reload").`;
}

export function noListRights(source: string, username: string): string {
  return `Asterisk "${source}" does not let the AMI user "${username}" list channels: calls that were going on before the connection are not seen. Add write = reporting in manager.conf, then "manager reload".`;
}
