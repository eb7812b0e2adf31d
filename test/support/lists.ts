/** Lists of live channels as the PBX would have given them at one moment of a recording. */
import { parsePacketText } from '../../adapters/asterisk/link/packet.ts';
import { bodyText, parseFrameText } from '../../adapters/freeswitch/link/codec.ts';
import { type EslEvent, readEvent } from '../../adapters/freeswitch/link/event.ts';
import { snapshotEvents } from '../../adapters/freeswitch/snapshot/snapshot.ts';
import type { RecordedFrame } from '../../src/inspect.ts';
import type { CallEvent } from '../../src/telephony/call-event.ts';
import { readers } from './recordings.ts';

/** One item of a list, as events at a time. */
export type Item = (receivedAt: number) => readonly CallEvent[];

export interface Listing {
  readonly items: readonly Item[];
  /** All that the list tells, in one text. */
  readonly text: string;
}

export type Row = Map<string, string>;

const COPIED =
  'Channel ChannelStateDesc CallerIDNum CallerIDName ConnectedLineNum ConnectedLineName Context Exten Linkedid'.split(
    ' ',
  );

/** `Status` of Asterisk after these frames: each channel as it was told last, with the application that it must be in. */
export function asteriskRows(frames: readonly RecordedFrame[]): Row[] {
  const rows = new Map<string, Row>();
  const dials = new Map<string, string[]>();
  for (const { raw } of frames) {
    const packet = parsePacketText(raw);
    const name = packet?.get('Event');
    if (packet == null || name === undefined) continue;
    for (const prefix of ['', 'Dest']) {
      const id = packet.get(`${prefix}Uniqueid`);
      if (id === undefined || packet.get(`${prefix}ChannelStateDesc`) === undefined) continue;
      const row = rows.get(id) ?? new Map<string, string>();
      if (name === 'Newchannel') row.set('DNID', (packet.get('Exten') ?? '').replace(/^s$/, ''));
      else if (!rows.has(id)) continue;
      rows.set(id, row.set('Uniqueid', id));
      for (const header of COPIED) {
        const value = packet.get(prefix + header);
        if (value !== undefined) row.set(header, value);
      }
    }
    const id = packet.get('Uniqueid') ?? '';
    const row = rows.get(id);
    if (name === 'Hangup') rows.delete(id);
    else if (name === 'BridgeEnter') row?.set('BridgeID', packet.get('BridgeUniqueid') ?? '');
    else if (name === 'BridgeLeave') row?.set('BridgeID', '');
    else if (name === 'QueueCallerJoin') row?.set('Application', 'Queue');
    else if (name === 'DialBegin') {
      const driver = packet.get('DestChannel')?.split('/')[0] ?? '';
      const target = packet.get('DialString') ?? '';
      const targets = [...(dials.get(id) ?? []), target.startsWith(driver) ? target : `${driver}/${target}`];
      dials.set(id, targets);
      rows
        .get(packet.get('DestUniqueid') ?? '')
        ?.set('Application', 'AppDial')
        .set('Data', '(Outgoing Line)');
      if (row !== undefined && row.get('Application') === undefined) row.set('Application', 'Dial');
      if (row?.get('Application') === 'Dial') row.set('Data', `${targets.join('&')},30,tT`);
    }
  }
  return [...rows.values()];
}

function asteriskListing(frames: readonly RecordedFrame[], now: number): Listing {
  const rows = asteriskRows(frames);
  const read = readers.asterisk;
  const items = rows.map((row): Item => {
    const age = Math.floor((now - Number(row.get('Uniqueid')) * 1000) / 1000);
    const headers = [['Event', 'Status'], ...row, ['Seconds', String(Math.max(0, age))]];
    const raw = Buffer.from(`${headers.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n`);
    return (at) => read?.(raw, 'pbx', at) ?? [];
  });
  return { items, text: rows.flatMap((row) => [...row.values()]).join(' ') };
}

/** `uuid_dump` of FreeSWITCH has the headers of an event: of each channel that of its last one. */
function freeswitchListing(frames: readonly RecordedFrame[]): Listing {
  const last = new Map<string, { event: EslEvent; text: string }>();
  for (const { raw } of frames) {
    const frame = parseFrameText(raw);
    if (!/^text\/event-(json|plain)$/.test(frame.contentType ?? '')) continue;
    const reading = readEvent(frame);
    const id = 'event' in reading ? reading.event.get('Unique-ID') : undefined;
    if (!('event' in reading) || id === undefined) continue;
    const { event } = reading;
    if (/^CHANNEL_(HANGUP|DESTROY)/.test(event.name)) last.delete(id);
    else if (event.name === 'CHANNEL_CREATE' || last.has(id)) last.set(id, { event, text: bodyText(frame) });
  }
  const items = [...last.values()].map(
    ({ event }): Item =>
      (at) =>
        snapshotEvents(event, 'pbx', at),
  );
  return { items, text: [...last.values()].map(({ text }) => text).join(' ') };
}

/** The list after these frames. `now`: ms since the epoch. */
export function listingAfter(pbx: string, frames: readonly RecordedFrame[], now: number): Listing {
  return pbx === 'asterisk' ? asteriskListing(frames, now) : freeswitchListing(frames);
}
