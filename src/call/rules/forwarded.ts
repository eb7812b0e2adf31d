/**
 * Calls that are led on to an outside telephone: by the phone itself (SIP 302), by call forwarding or follow-me of an extension,
 * as a member of a ring group, by the owner of a direct line.
 */
import type { Conclusion, Rule } from '../evidence.ts';
import { decide } from '../evidence.ts';
import { numberCalled } from '../known/routing.ts';
import { type Channel, calledIn } from '../live/state.ts';
import { isSameNumber, ownerOf } from '../numbering.ts';
import type { Connection } from '../talk.ts';
import { type Case, dialPath, isKnownExtension, isPhone } from './case.ts';
import { groupOf, queueOf } from './ring-group.ts';
import { rungOf } from './ringing.ts';

/** The outside phone that answered in place of an extension, `null` when the connection has none or an extension takes part. */
export function mobileOf(connection: Connection, subject: Channel): Channel | null {
  if (connection.others.some(isPhone)) return null;
  const dialled = (other: Channel) => !calledIn(other) && other.call === subject.call;
  return connection.others.find((other) => other.party.side === 'trunk' && dialled(other)) ?? null;
}

interface Led {
  readonly of: Case;
  readonly mobile: Channel;
  readonly did: string | null;
}

type Extension = string | null;

const RULES: readonly Rule<Led, Extension>[] = [
  {
    name: 'forwarded-by-302',
    find: ({ of, mobile }) => {
      const number = numberCalled(mobile) ?? '';
      const phone = of.channels.find((channel) =>
        channel.dials.some(
          (dial) => dial.forwardedTo !== null && (number === '' || isSameNumber(dial.forwardedTo, number)),
        ),
      );
      const ext = phone?.party.ext ?? null;
      return ext === null ? null : { value: ext, fact: `the phone of ${ext} sent the call on` };
    },
  },
  {
    name: 'in-the-name-of',
    find: ({ mobile }) => {
      const ext = mobile.facts.extension;
      return ext === null ? null : { value: ext, fact: `the leg was dialled as extension ${ext}` };
    },
  },
  {
    name: 'follow-me',
    find: ({ of, mobile }) => {
      const wire = dialPath(of, mobile).find((one) => one.party.ext !== null && isOwnWire(of, one));
      return wire === undefined ? null : { value: wire.party.ext, fact: `dialled through ${wire.facts.endpoint}` };
    },
  },
  {
    // The place in the dialplan from which the mobile, or the wire to it, was dialled is the extension's own.
    name: 'call-forward',
    find: ({ of, mobile }) => {
      const exten = extensionDialled(of, mobile);
      return exten === null ? null : { value: exten, fact: `dialled from the dialplan of extension ${exten}` };
    },
  },
  {
    // The phones that ring beside it are those of other members.
    name: 'member-of-a-group',
    find: ({ of, mobile }) => {
      const group = groupOf(of, mobile);
      const queue = group === null ? queueOf(of, mobile) : null;
      if (group === null && queue === null) return null;
      const where = group === null ? `queue ${queue}` : `ring group ${group}`;
      return { value: null, fact: `a number in ${where}, of no extension` };
    },
  },
  {
    name: 'owner-of-the-line',
    find: ({ of, did }) => {
      const ext = ownerOf(of.plan, did, of.root.party);
      return ext === null ? null : { value: ext, fact: `the direct line ${did} is that of ${ext}` };
    },
  },
  {
    name: 'only-phone-rung',
    find: ({ of }) => {
      const [only, ...others] = rungOf(of.channels);
      return only === undefined || others.length > 0
        ? null
        : { value: only, fact: `only the phone of ${only} rang too` };
    },
  },
  { name: 'of-no-extension', find: () => ({ value: null, fact: 'nothing says whose outside telephone it is' }) },
];

/** The extension in whose name an outside number was called. */
export function behalfOf(of: Case, mobile: Channel, did: string | null): Conclusion<Extension> {
  return decide(RULES, { of, mobile, did });
}

/** The same of an agent in a call that the PBX was asked to make: only what was rung on his side says something of him. */
export function agentOutside(of: Case, leg: Channel): Conclusion<Extension> {
  const { first = [], other = [], agentFirst = true } = of.originated ?? {};
  return behalfOf({ ...of, channels: agentFirst ? first : other }, leg, null);
}

/** A wire by which an extension is reached. What the PBX is asked to call may be a group or a queue as well. */
function isOwnWire(of: Case, { party: { side, ext } }: Channel): boolean {
  return side === 'wire' && ext !== null && (of.originated === null || isKnownExtension(of, ext));
}

/** The extension from whose place in the dialplan a leg was dialled, when it is known to be one. */
function extensionDialled(of: Case, leg: Channel): string | null {
  for (const channel of dialPath(of, leg)) {
    for (const { from } of channel.dials) {
      const exten = from?.exten ?? null;
      if (exten === null) continue;
      if (/^dialOne\b/.test(from?.context ?? '') || isKnownExtension(of, exten)) return exten;
    }
  }
  return null;
}
