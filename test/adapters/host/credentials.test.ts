import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { readSecret } from '../../../adapters/host/credentials.ts';
import { Secret, type SecretRef } from '../../../src/secret.ts';

const folder = mkdtempSync(join(tmpdir(), 'logcalld-'));
t.teardown(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string, mode = 0o640): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

function ref(over: Partial<SecretRef> = {}): SecretRef {
  return { what: 'AMI secret', credential: 'ami-secret', file: null, fileKey: 'secret_file', inline: null, ...over };
}

t.test('order: credential, file, config', async (t) => {
  const credentials = join(folder, 'credentials');
  mkdirSync(credentials);
  const all = ref({ file: file('a', 'from file\n'), inline: new Secret('from config') });
  t.equal(readSecret(all, credentials).from, 'file', 'no such credential');
  writeFileSync(join(credentials, 'ami-secret'), 'from systemd\r\n');
  const found = readSecret(all, credentials);
  t.equal(found.from, 'credential');
  t.equal(found.secret.reveal(), 'from systemd');
  writeFileSync(join(credentials, 'ami-secret'), '');
  t.equal(readSecret(all, credentials).from, 'file', 'an empty credential is none');
  t.equal(readSecret(all, undefined).secret.reveal(), 'from file');
  const inline = readSecret(ref({ inline: new Secret('from config') }), undefined);
  t.equal(inline.secret.reveal(), 'from config');
  t.match(inline.warning, /secret_file/);
});

t.test('a file that everybody can read gets a warning', async (t) => {
  t.match(readSecret(ref({ file: file('open', 'x', 0o644) }), undefined).warning, /chmod o=/);
  t.equal(readSecret(ref({ file: file('group', 'x', 0o640) }), undefined).warning, null);
});

t.test('blanks are part of a secret, line ends are not', async (t) => {
  const { secret, warning } = readSecret(ref({ file: file('b', ' a b \n\n') }), undefined);
  t.equal(secret.reveal(), ' a b ');
  t.match(warning, /^The AMI secret begins or ends with a blank/, 'which was hardly meant');
  t.match(readSecret(ref({ file: file('c', 'a\u00a0', 0o644) }), undefined).warning, /chmod o= .*ends with a blank/);
  t.equal(readSecret(ref({ file: file('d', 'a b') }), undefined).warning, null);
});

t.test('what cannot be used says why and what to do, without the secret', async (t) => {
  const fails = (over: Partial<SecretRef>, text: RegExp): void => {
    t.throws(() => readSecret(ref(over), undefined), { name: 'SecretError', message: text });
  };
  fails({}, /LoadCredential=ami-secret/);
  fails({ file: join(folder, 'none') }, /does not exist.*secret_file/);
  fails({ file: folder }, /not a file/);
  fails({ file: file('empty', '\n') }, /is empty/);
  fails({ file: file('blank', ' \n') }, /is empty/);
  fails({ file: file('big', 'x'.repeat(5_000)) }, /5000 bytes/);
  fails({ file: file('two', 'hunter2\r\nAction: Originate') }, /^((?!hunter).)*more than one line((?!hunter).)*$/);
  fails({ inline: new Secret('a\nb') }, /more than one line/);
});
