/** A header that is looked for in the text of a packet is the one in the list of all its headers. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { Packet } from '../../../../adapters/asterisk/link/packet.ts';

const NAMES = [
  'Event',
  'Uniqueid',
  'DestUniqueid',
  'Response',
  'ChanVariable',
  'a',
  '',
  'a:b',
  'é',
  'toString',
] as const;

const name = fc.constantFrom(...NAMES, 'Unique', 'id', 'Privilege');
const value = fc.oneof(
  fc.constantFrom('', ' ', '  two', 'Uniqueid: 1', 'a:b', 'Follows', 'x\rEvent: y', '\r', 'zürich', '\ud83d'),
  fc.string(),
);
const line = fc.oneof(
  fc.tuple(name, fc.constantFrom(':', ': ', ':  ', ''), value).map((parts) => parts.join('')),
  fc.constantFrom('Response: Follows', 'Privilege: Command', '--END COMMAND--', ''),
);
const text = fc.tuple(
  fc.array(line),
  fc.constantFrom('\r\n', '\n'),
  fc.constantFrom('', '\r\n', '\n', '\r\n\r\n', '\r'),
);

t.test('get, getAnyCase and all give what the list of headers has', async () => {
  fc.assert(
    fc.property(text, ([lines, end, last]) => {
      const raw = Buffer.from(lines.join(end) + last);
      for (const asked of NAMES) {
        const { headers } = new Packet(raw);
        const wanted = headers.filter((header) => header[0] === asked).map((header) => header[1]);
        const packet = new Packet(raw);
        assert.deepEqual(packet.all(asked), wanted);
        assert.equal(packet.get(asked), wanted[0]);
        const lower = asked.toLowerCase();
        const alike = headers.find((header) => header[0].toLowerCase() === lower);
        assert.equal(packet.getAnyCase(lower), alike?.[1]);
      }
    }),
    { numRuns: 2000 },
  );
});
