/** Frames in a segment, and out of it again. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import {
  decode,
  encode,
  joined,
  KIND,
  kept,
  ownEventsOf,
  pack,
  unpack,
} from '../../../../adapters/sqlite/journal/frames.ts';
import { naming } from '../../../../adapters/sqlite/journal/search.ts';
import { answered, connected, frame } from '../support.ts';

const kind = fc.constantFrom(...Object.values(KIND));
const frames = fc.array(
  fc.record({
    kind,
    at: fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }),
    bytes: fc.uint8Array({ maxLength: 300 }),
  }),
);
const plain = (all: readonly { readonly bytes: Uint8Array }[]) => all.map((one) => ({ ...one, bytes: [...one.bytes] }));

t.test('what goes in comes out, also joined and compressed', async (t) => {
  fc.assert(
    fc.property(frames, frames, (a, b) => {
      const both = joined([encode(a), encode(b)].filter((packet) => packet.frames > 0));
      const bytes = both?.bytes ?? new Uint8Array(0);
      assert.deepEqual(plain([...decode(bytes)]), plain([...a, ...b]));
      assert.equal(both?.frames ?? 0, a.length + b.length);
      assert.deepEqual(plain([...decode(unpack(pack(bytes, 'sealed')))]), plain([...a, ...b]));
    }),
  );
  t.equal(joined([]), null);
});

t.test('a segment that is cut short or is none is damaged, and nothing else', async (t) => {
  fc.assert(
    fc.property(frames, fc.nat(), (all, cut) => {
      const { bytes } = encode(all);
      const ends = [0];
      for (const one of all) ends.push((ends.at(-1) ?? 0) + 13 + one.bytes.length);
      const at = bytes.length === 0 ? 0 : cut % bytes.length;
      if (ends.includes(at)) return;
      assert.throws(() => [...decode(bytes.subarray(0, at))], /damaged: what stands at byte/);
    }),
  );
  t.throws(() => [...decode(Buffer.alloc(40, 9))], /damaged/);
});

t.test('a frame of the PBX is kept as its bytes, and told apart by whether it is about the source', async (t) => {
  const raw = Buffer.from('Event: x');
  t.match(kept(frame(answered('a', 2.5), raw)), { kind: KIND.pbx, at: 2.5, bytes: raw });
  t.match(kept(frame(connected(2), raw)), { kind: KIND.wide, bytes: raw });
  const own = kept(frame(answered('a', 2.5)));
  t.equal(own.kind, KIND.own);
  t.same(ownEventsOf({ bytes: Buffer.from(own.bytes) }), [answered('a', 2.5)]);
});

t.test('every frame that names a channel is found', async (t) => {
  const id = fc.stringMatching(/^[0-9a-zA-Z._-]{1,20}( [0-9a-z]{1,5})?$/);
  const around = fc.stringMatching(/^[^0-9a-zA-Z._-]{1,3}$/);
  fc.assert(
    fc.property(fc.array(id, { minLength: 1 }), around, around, fc.nat(), (ids, before, after, n) => {
      const one = ids[n % ids.length] ?? '';
      assert.ok(naming(ids)(Buffer.from(`Event: a\r\nUniqueid:${before}${one}${after}b`)));
      assert.ok(naming(ids)(Buffer.from(one)), 'alone');
    }),
  );
  const names = naming(['1764000000.12', '5b1c4d9e-0000-4000-8000-000000000000']);
  for (const other of ['', 'x', '1764000000.1', '1764000000.123', '5b1c4d9e', '-1764000000.12']) {
    t.notOk(names(Buffer.from(`Uniqueid: ${other}\r\n`)), other);
  }
  t.notOk(naming([])(Buffer.from('1764000000.12')));
  t.ok(naming(['@'])(Buffer.from('anything')), 'an id without a letter or digit cannot be told');
});
