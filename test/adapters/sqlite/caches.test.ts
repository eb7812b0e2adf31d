/** What is remembered of leads, users and extensions. */
import t from 'tap';
import { leadCacheModule } from '../../../adapters/sqlite/caches.ts';
import { userModule } from '../../../adapters/sqlite/users.ts';
import { memoryDatabase } from './support.ts';

t.test('leads and users', async (t) => {
  const db = memoryDatabase();
  const leads = leadCacheModule(db);
  const lead = { id: 'l', name: 'Asha', ownerId: null, phone: '1', mobile: null };
  t.equal(leads.get({ number: '1' }), null);
  leads.put({ number: '1', lead, at: 10, forgetBefore: 0 });
  leads.put({ number: '2', lead: null, at: 20, forgetBefore: 0 });
  t.same(
    [leads.get({ number: '1' }), leads.get({ number: '2' })],
    [
      { lead, at: 10 },
      { lead: null, at: 20 },
    ],
  );
  leads.put({ number: '3', lead, at: 30, forgetBefore: 15 });
  t.equal(leads.get({ number: '1' }), null, 'too old to be kept');
  leads.forget({ number: '2' });
  t.equal(leads.get({ number: '2' }), null);
  leads.rememberFormat({ format: 'NSN' });
  leads.rememberFormat({ format: '+CCNSN' });
  t.equal(leads.format({}), '+CCNSN');
  const users = userModule(db);
  t.equal(users.load({}), null);
  users.save({ users: [{ id: 'u', name: 'A', email: 'a@b', active: true, phones: [] }], at: 5 });
  t.match(users.load({}), { users: [{ id: 'u' }], at: 5 });
  users.seen({ extension: '1001', domain: null, at: 5, userId: null });
  users.seen({ extension: '1001', domain: null, at: 4, userId: null });
  users.seen({ extension: '1002', domain: null, at: 9, userId: 'u' });
  t.same(users.missing({}), [{ extension: '1001', domain: null, calls: 2, lastAt: 5 }]);
  users.seen({ extension: '1001', domain: null, at: 6, userId: 'u' });
  t.same(users.missing({}), []);
  for (const domain of ['a.example', 'b.example']) users.seen({ extension: '1001', domain, at: 7, userId: null });
  const [one, two] = users.missing({});
  t.match(
    [one, two],
    [
      { domain: 'a.example', calls: 1 },
      { domain: 'b.example', calls: 1 },
    ],
    'each tenant for itself',
  );
  db.close();
});
