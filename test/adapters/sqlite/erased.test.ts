/** Erased numbers are known again by their hashes, by the rule by which they were erased. */
import fc from 'fast-check';
import t from 'tap';
import { erasuresModule } from '../../../adapters/sqlite/erased/erasures.ts';
import { naming, runsOfDigits } from '../../../adapters/sqlite/erased/writing.ts';
import { openConnection } from '../../../adapters/sqlite/thread/connection.ts';
import { migrate } from '../../../adapters/sqlite/thread/migrate.ts';
import { runs } from '../../support/runs.ts';
import { memoryDatabase, record } from './support.ts';

const DIGITS = '9845012345';
const E164 = '+919845012345';

t.test('a text names a number by its runs of digits where the search for it finds it', async (t) => {
  const part = fc.constantFrom(...'0019845', '9', '2', ' ', '-', '.', '(', ')', '%20', '%2D', 'a', '+', '"');
  const number = fc.stringMatching(/^[01984525]{7,9}$/);
  await fc.assert(
    fc.property(
      fc.array(part, { maxLength: 40 }),
      number,
      fc.array(part, { maxLength: 4 }),
      (before, digits, between) => {
        const written = [...digits].map((digit, at) => (at % 3 === 0 ? `${between.join('')}${digit}` : digit)).join('');
        const text = `${before.join('')}${written}${before.join('')}`;
        // An URL has no percent sign of its own before digits.
        const found = text.replaceAll(/%2(?:[089D])/g, ' ').search(naming(digits)) >= 0;
        t.equal(
          [...runsOfDigits(text)].some((run) => run.endsWith(digits)),
          found,
          text,
        );
      },
    ),
    runs(200, 5000),
  );
});

t.test('calls are known by the number, up to the time of the erasure', async (t) => {
  const db = memoryDatabase();
  const erasures = erasuresModule(db);
  const call = (id: string, startedAt: number, part: object) => record(id, { startedAt, ...part });
  const records = [
    call('theirs', 1000, { external: '09845012345', externalE164: E164 }),
    call('named', 1000, { externalName: '98450 12345' }),
    call('later', 1001, { external: '09845012345', externalE164: E164 }),
    call('foreign', 1000, { external: '0019845012345', externalE164: '+19845012345' }),
    call('other', 1000, { external: '09811111111', externalE164: '+919811111111' }),
    call('9845012345.12', 1000, {}),
  ];
  const covered = (aheadMs = 0) => erasures.covered({ records, aheadMs });
  t.same(covered(), []);
  erasures.note({ digits: DIGITS, e164: E164, upTo: 1000.9 });
  erasures.note({ digits: DIGITS, e164: E164, upTo: 500 });
  t.same(covered(), ['theirs', 'named'], 'an earlier erasure takes nothing back');
  t.same(covered(1), ['theirs', 'named', 'later'], 'the clock of the PBX is ahead');
  erasures.note({ digits: DIGITS, e164: null, upTo: 1000 });
  t.same(covered(), ['theirs', 'named', 'foreign'], 'in whatever country');
  const kept = JSON.stringify(db.prepare('SELECT hex(digits), hex(whole), length, up_to FROM erasure').all());
  t.notMatch(kept, DIGITS);
  erasures.forget({ endedBefore: 1000 });
  t.equal(covered().length, 3);
  erasures.forget({ endedBefore: 1001 });
  t.same(covered(), []);
});

t.test('each database has a key of its own', async (t) => {
  const hashes = [0, 1].map(() => {
    const db = openConnection(':memory:');
    migrate(db);
    erasuresModule(db).note({ digits: DIGITS, e164: E164, upTo: 1 });
    return JSON.stringify(db.prepare('SELECT hex(digits), hex(whole) FROM erasure').all());
  });
  t.not(hashes[0], hashes[1]);
});
