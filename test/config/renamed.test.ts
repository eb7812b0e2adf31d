/** Keys of version 0.1. */
import t from 'tap';
import { parseConfig } from '../../config/load.ts';

const config = (retention: string) =>
  parseConfig(
    `[[source]]\ntype = 'asterisk'\nname = 'pbx'\nusername = 'u'\ncountry = 'IN'\n[leadsquared]\nhost = 'x.example'\n[storage.retention]\n${retention}`,
    '/etc/logcalld/logcalld.toml',
  );
const DAY = 86_400_000;

t.test('what they mean now is read, nothing is kept longer than wanted, and it is told', async (t) => {
  const both = config("raw = '7d'\nevents = '90d'\nraw_max = '64MB'");
  t.match(both.storage.retention, { journal: 7 * DAY, journal_max: 64e6 });
  t.match(both.notes, [
    /raw is of version 0\.1 and read as journal: write/,
    /events is .* journal/,
    /raw_max .* journal_max/,
  ]);
  t.match(config("events = '3d'").storage.retention, { journal: 3 * DAY, journal_max: 2e9 });
  t.match(config("raw = '0s'\njournal = '60d'").storage.retention, { journal: 60 * DAY });
  t.same(config("journal = '60d'").notes, []);
  t.same(config('').notes, []);
});

t.test('a value that is wrong is named as it stands in the file, with its line', async (t) => {
  t.throws(() => config("raw = 'week'"), { message: /logcalld\.toml:9: storage\.retention\.raw: found 'week'/ });
  t.throws(() => config("raw = '7d'\nraw_max = '99'"), { message: /toml:10: storage\.retention\.raw_max: found '99'/ });
  t.throws(() => config("raw = '7d'\njournal = 'x'"), { message: /toml:10: storage\.retention\.journal: found 'x'/ });
});
