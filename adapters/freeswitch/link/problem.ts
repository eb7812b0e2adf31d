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
    case 'unanswered':
      return `FreeSWITCH at ${address} does not answer. ${end.reason} The connection is made anew; if this repeats, FreeSWITCH is overloaded or stuck.`;
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

export function wrongPasswordProblem(address: string): string {
  return `FreeSWITCH at ${address} refused the password: give this source the password that ${conf} has; the next attempt comes by itself.`;
}

/** The password could not be read, or cannot be sent. `why` never holds it. */
export function noPasswordProblem(address: string, why: string): string {
  return `There is no usable password for FreeSWITCH at ${address}. ${why} Correct the secret of this source; the next attempt comes by itself.`;
}

/** `text/rude-rejection`: the address of this host is not in the access list (`loopback.auto` unless configured). */
export function accessListProblem(address: string): string {
  return `FreeSWITCH at ${address} rejects connections from this host: add its address to the list that apply-inbound-acl of ${conf} names (loopback.auto when it names none), in acl.conf.xml, then "reloadacl" and "reload mod_event_socket"; the next attempt comes by itself.`;
}

export function subscriptionProblem(address: string, reply: string): string {
  return `FreeSWITCH at ${address} refused the subscription to events ("${reply.slice(0, 80)}"): check the event names of this source; the next attempt comes by itself.`;
}

export function unknownEventsWarning(names: readonly string[]): string {
  return `FreeSWITCH knows no events named ${names.join(', ')}: correct or remove them in the subscription of this source.`;
}

/** `problem`: what was wrong with a frame, one sentence. */
export function skippedWarning(address: string, problem: string): string {
  return `FreeSWITCH at ${address} sent what is not the event socket protocol, and it was left out up to the next frame. ${problem} If this repeats, report it with a capture.`;
}

/** `bytes`: how long the body was. */
export function tooLongWarning(contentType: string, bytes: number, limit: number): string {
  return `FreeSWITCH sent a frame of type ${contentType} with ${bytes} bytes and it was left out, as more than ${limit} are not read; the connection goes on. If a dialplan stores large texts in channel variables, let it not.`;
}

/** `reply`: what it said instead of a list. */
export function noListProblem(source: string, reply: string): string {
  return `FreeSWITCH "${source}" does not list its channels ("${reply.slice(0, 80)}"): calls that go on while this program is not connected, or whose end is not told, will be missed. Start FreeSWITCH without -nosql, and check its core database.`;
}

/** Said while the answer is waited for. */
export function slowListProblem(source: string, times: number): string {
  const asked = times === 1 ? 'once' : `${times} times`;
  return `FreeSWITCH "${source}" has not listed its live channels, asked ${asked}: calls whose end was not heard are not found until it does. It may be overloaded or stuck.`;
}

/** Said until every listed channel has been told. */
export function partListProblem(source: string): string {
  return `FreeSWITCH "${source}" has listed its live channels, but not told about each: calls that ended unheard before this connection are not found until it does. It is asked again; if this lasts, it is overloaded or stuck.`;
}

/** `why`: what went wrong here with the answer. */
export function oddListProblem(source: string, why: string): string {
  return `The list of live channels of FreeSWITCH "${source}" could not be taken in (${why}); it is asked for again. Please report this.`;
}

/** A channel of which nothing but its row in the list is known. */
export function noDumpFault(source: string, times: number): string {
  return `FreeSWITCH "${source}" did not tell about a live channel, asked ${times} times: its call is logged with what the list says of it.`;
}

export const defaultPasswordWarning = `This FreeSWITCH still has the password that every installation is shipped with: set another one in ${conf}, since it lets anybody who reaches the port control calls.`;
