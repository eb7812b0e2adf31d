import fc from 'fast-check';
import t from 'tap';
import { asteriskExtensions, freeswitchExtensions } from '../../config/source.ts';
import { compilePattern, firstMatch } from '../../src/telephony/endpoint.ts';

const match = (pattern: string, endpoint: string) => compilePattern(pattern).match(endpoint);

t.test('globs', async (t) => {
  t.same(match('PJSIP/{ext}', 'PJSIP/1001'), { ext: '1001' });
  t.same(match('pjsip/{ext}', 'PJSIP/1001'), { ext: '1001' });
  t.same(match('PJSIP/trunk-*', 'PJSIP/trunk-in'), { ext: null });
  t.same(match('sofia/internal/{ext}@*', 'sofia/internal/1001@pbx.lab'), { ext: '1001' });
  t.equal(match('PJSIP/trunk', 'PJSIP/trunk-in'), null, 'the whole endpoint');
  t.equal(match('sofia/internal/{ext}', 'sofia/internal/1001@pbx.lab'), null, 'an extension has no @');
  t.equal(match('a.c', 'abc'), null, 'a dot is a dot');
});

t.test('regular expressions', async (t) => {
  t.same(match('/^PJSIP\\/(?<ext>\\d+)$/', 'PJSIP/1001'), { ext: '1001' });
  t.same(match('/trunk/', 'PJSIP/trunk-in'), { ext: null });
  t.equal(match('/TRUNK/', 'PJSIP/trunk-in'), null);
  t.same(match('/TRUNK/i', 'PJSIP/trunk-in'), { ext: null });
});

t.test('a pattern that cannot work says why', async (t) => {
  for (const text of ['', '/abc', '/(/', 'PJSIP/{who}', 'PJSIP/{ext}{ext}', 'PJSIP/{ext']) {
    t.throws(() => compilePattern(text), Error, text);
  }
});

t.test('a text without signs of its own matches itself and nothing longer', async (t) => {
  const plain = fc.string({ minLength: 1 }).filter((text) => !/[*{}]|^\//.test(text));
  const property = fc.property(plain, (text) => {
    const pattern = compilePattern(text);
    return pattern.match(text) !== null && pattern.match(`${text}x`) === null;
  });
  t.doesNotThrow(() => fc.assert(property));
});

t.test('phones of a stock Asterisk, FreePBX and FreeSWITCH', async (t) => {
  const asterisk = asteriskExtensions.map(compilePattern);
  const freeswitch = freeswitchExtensions.map(compilePattern);
  const ext = (endpoint: string) => firstMatch([...asterisk, ...freeswitch], endpoint)?.ext ?? null;
  t.equal(ext('PJSIP/1001'), '1001');
  t.equal(ext('SIP/201'), '201');
  t.equal(ext('IAX2/42'), '42');
  t.equal(ext('PJSIP/991001'), '991001', 'whether it is the browser phone of 1001 is told by the call');
  t.equal(ext('PJSIP/99'), '99');
  t.equal(ext('PJSIP/9901'), '9901', 'four digits are an extension of their own');
  t.equal(ext('sofia/internal/1001'), '1001');
  t.equal(ext('sofia/internal/1001@pbx.lab'), '1001');
  for (const trunk of [
    'PJSIP/trunk-in',
    'SIP/9845012345',
    'DAHDI/i1',
    'sofia/external/1001',
    'sofia/gateway/carrier',
  ]) {
    t.equal(firstMatch([...asterisk, ...freeswitch], trunk), null, trunk);
  }
});
