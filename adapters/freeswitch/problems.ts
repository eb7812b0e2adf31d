/** What can be wrong with the link to FreeSWITCH, each in one sentence that ends with the remedy. */
import type { ConnectionEnd } from './connection.ts';

const conf = 'event_socket.conf.xml';

/** Why a connection ended or never came to be. `address`: `host:port`. */
export function linkProblem(address: string, end: ConnectionEnd): string {
  switch (end.kind) {
    case 'error':
      return end.code === 'ECONNREFUSED'
        ? `Nothing listens at ${address}: check that FreeSWITCH runs, that mod_event_socket is loaded, and the listen-ip and listen-port of ${conf}.`
        : `No connection to FreeSWITCH at ${address}. ${end.reason} Check host, port, network and firewall.`;
    case 'no-greeting':
      return `${address} does not answer as a FreeSWITCH event socket. ${end.reason} Check the port (8021 unless ${conf} says otherwise), the firewall, and that FreeSWITCH is not stuck.`;
    case 'silent':
      return `FreeSWITCH at ${address} has gone silent. ${end.reason} Check the network between here and the PBX; the connection is made anew.`;
    case 'overflow':
      return `The connection to FreeSWITCH at ${address} was dropped because this program fell behind. ${end.reason} It reconnects and reads the live calls again; if this repeats, subscribe to fewer events or give it more CPU.`;
    case 'protocol':
      return `FreeSWITCH at ${address} sent what is not the event socket protocol. ${end.reason} The connection is made anew; if this repeats, report it with a capture.`;
    case 'closed':
    case 'left':
      return `The connection to FreeSWITCH at ${address} is closed. ${end.reason} It is made anew; check the PBX if this lasts.`;
  }
}

/** Another service answers on the port. `sent`: what the parser or the first frame says about it. */
export function notEslProblem(address: string, sent: string): string {
  const service = /Asterisk|Call Manager/.test(sent)
    ? 'an Asterisk manager interface (AMI)'
    : /HTTP\//.test(sent)
      ? 'a web server'
      : 'another service';
  return `${address} is ${service}, not a FreeSWITCH event socket. ${sent} Set host and port to those of ${conf} (port 8021 by default).`;
}

export function wrongPasswordProblem(address: string, retryMs: number): string {
  return `FreeSWITCH at ${address} refused the password: give this source the password that ${conf} has; next attempt in ${retryMs / 1000} s.`;
}

/** The password could not be read, or cannot be sent. `why` never holds it. */
export function noPasswordProblem(address: string, why: string, retryMs: number): string {
  return `There is no usable password for FreeSWITCH at ${address}. ${why} Correct the secret of this source; next attempt in ${retryMs / 1000} s.`;
}

/** `text/rude-rejection`: the address of this host is not in the access list (`loopback.auto` unless configured). */
export function accessListProblem(address: string, retryMs: number): string {
  return `FreeSWITCH at ${address} rejects connections from this host: add its address to the list that apply-inbound-acl of ${conf} names (loopback.auto when it names none), in acl.conf.xml, then "reloadacl" and "reload mod_event_socket"; next attempt in ${retryMs / 1000} s.`;
}

export function subscriptionProblem(address: string, reply: string, retryMs: number): string {
  return `FreeSWITCH at ${address} refused the subscription to events ("${reply.slice(0, 80)}"): check the event names of this source; next attempt in ${retryMs / 1000} s.`;
}

export function unknownEventsWarning(names: readonly string[]): string {
  return `FreeSWITCH knows no events named ${names.join(', ')}: correct or remove them in the subscription of this source.`;
}

export const defaultPasswordWarning = `This FreeSWITCH still has the password that every installation is shipped with: set another one in ${conf}, since it lets anybody who reaches the port control calls.`;
