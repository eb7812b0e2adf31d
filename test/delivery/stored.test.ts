/** Calls that wait for the database, not for the CRM: told while it is so. */
import t from 'tap';
import { fresh, World } from './fakes.ts';

const TROUBLE = 'delivery-trouble';

t.test('a database that cannot be asked for what is due: told once, and over when it can', async (t) => {
  const world = new World();
  const log: string[] = [];
  world.log = { write: (level, event) => void log.push(`${level} ${event}`) };
  const { delivery, conditions } = await world.live();
  await world.clock.advance(6000);
  world.trouble.error = new Error('attempt to write a readonly database');
  world.end(fresh(world, 1));
  delivery.notify();
  await world.clock.advance(60_000);
  t.equal(world.state(1), 'pending');
  const told = () => conditions.filter(({ code }) => code === TROUBLE);
  t.match(told(), [{ raised: true, severity: 'error', text: /readonly database/ }]);
  t.notOk(log.filter((line) => line.startsWith('error')).length > 1, 'the log is not filled with it');
  world.trouble.error = null;
  await world.clock.advance(5000);
  t.equal(world.state(1), 'delivered');
  t.match(told(), [{ raised: true }, { raised: false }]);
  world.close();
});

t.test('a result that the database does not take: told until it does', async (t) => {
  const world = new World();
  const { delivery, conditions } = await world.live();
  await world.clock.advance(6000);
  world.crm.fate = (request) => {
    if (request === 'post') world.trouble.error = new Error('database or disk is full');
    return 'ok';
  };
  world.end(fresh(world, 1));
  delivery.notify();
  await world.clock.advance(20_000);
  t.equal(world.state(1), 'sending');
  const told = () => conditions.filter(({ code }) => code === TROUBLE);
  t.match(told(), [{ raised: true, text: /disk is full/ }]);
  world.trouble.error = null;
  await world.clock.advance(10_000);
  t.equal(world.state(1), 'delivered');
  t.match(told(), [{ raised: true }, { raised: false }]);
  t.equal(world.crm.ledger.length, 1);
  world.close();
});
