import t from 'tap';
import { addressOf } from '../../src/telephony/address.ts';

t.test('quotes around an address are no part of it', async (t) => {
  for (const text of ['"+919845012345"', "''+919845012345'", ' "+919845012345 "']) {
    t.equal(addressOf(text).user, '+919845012345', text);
  }
});

// Nothing here measures time: work that grows with the square of the length would not end while the tests run.
t.test('a text of any form and length has an address', async (t) => {
  for (const part of ['"', "'", '<', '>', ';', ':', '@', '?', '%20', '(0)', '+', ' ']) {
    t.type(addressOf(`1${part.repeat(1_000_000)}1`).user, 'string', part);
  }
});
