import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ConfigError } from '../../config/problem.ts';
import { loadUsers, parseUsers } from '../../config/users.ts';
import { shortFolder } from '../support/folder.ts';

function problemsOf(text: string, sources: readonly string[] = []): readonly string[] {
  try {
    parseUsers(text, 'users.csv', sources);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ line, key, remedy }) => `${line} ${key}: ${remedy}`);
    throw error;
  }
  return [];
}

t.test('the example file', async (t) => {
  const users = loadUsers(join(import.meta.dirname, '../../config/users.example.csv'), ['pbx1']);
  t.same(users[0], { extension: '1001', user: 'asha@example.com', source: null, domain: null, line: 11 });
  t.same(users[2]?.source, 'pbx1');
  t.equal(users.length, 3);
});

t.test('what spreadsheets make of it: byte order mark, CRLF, capitals, quotes, blanks', async (t) => {
  const text = '\ufeffExtension,User\r\n" 1001 ","asha@example.com"\r\n\r\n0102,x@y\r\n';
  t.same(parseUsers(text, 'users.csv'), [
    { extension: '1001', user: 'asha@example.com', source: null, domain: null, line: 2 },
    { extension: '0102', user: 'x@y', source: null, domain: null, line: 4 },
  ]);
});

t.test('an extension once for each tenant', async (t) => {
  const text = 'extension,user,domain\n101,a@x,a.example\n101,b@x,b.example\n101,c@x,\n';
  t.same(
    parseUsers(text, 'users.csv').map(({ user, domain }) => [user, domain]),
    [
      ['a@x', 'a.example'],
      ['b@x', 'b.example'],
      ['c@x', null],
    ],
  );
  t.same(problemsOf(`${text}101,d@x,A.Example\n`), ['5 extension: Line 2 has it too; keep one.']);
});

t.test('every problem with its line', async (t) => {
  const text = 'extension,user,source\n1001,a@b,\n1001,c@d,\n,e@f,\n1004,,\n1005,g@h,pxb1\n1001,i@j,pbx1\n';
  t.same(problemsOf(text, ['pbx1', 'pbx2']), [
    '3 extension: Line 2 has it too; keep one.',
    '4 extension: Write it, or take the line out.',
    '5 user: Write it, or take the line out.',
    '6 source: Did you mean pbx1?',
  ]);
});

t.test('columns and shape', async (t) => {
  t.same(problemsOf('extention,user\n1,2'), [
    '1 extention: Did you mean extension?',
    '1 extension: Add the column extension.',
  ]);
  t.match(problemsOf('extension,user\n1001\n'), [/^2 user: Write it/]);
  t.match(problemsOf('extension,user\n1001,a@b,Asha Rao\n'), [/^2 : Take the comma out/]);
  t.match(problemsOf('extension,user\n1001,"a@b\n'), [/: Compare/]);
  t.match(parseUsers('extension,user,source,name\n1003,c@d\n', 'users.csv'), [{ user: 'c@d', source: null }]);
  t.throws(() => loadUsers('/nowhere/users.csv'), { name: 'ConfigError', message: /found no such file/ });
});

t.test('what spreadsheets save as CSV, and is none with commas, is told with the remedy', async (t) => {
  const commas = ['1 : Save it as CSV (comma delimited).'];
  t.same(problemsOf('extension;user\r\n1001;a@b\r\n'), commas);
  t.same(problemsOf('extension\tuser\n1001\ta@b\n'), commas);
  t.same(problemsOf('sep=;\nextension;user\n1001;a@b\n'), commas);
  const file = join(shortFolder(t), 'users.csv');
  writeFileSync(file, '\ufeffextension,user\r\n1001,a@b\r\n', 'utf16le');
  t.throws(() => loadUsers(file), { message: /found UTF-16/ });
  t.same(problemsOf('extension,user,,\n1001,a@b,,\n'), ['1 : Take the comma at the end out, or name the column.']);
  t.same(problemsOf('extension,user,user\n1001,a@b,c@d\n'), ['1 user: Keep one of them.']);
});

t.test(
  'line ends of two systems in one file, as of a file that was begun on one and filled on the other',
  async (t) => {
    const rows = (text: string) =>
      parseUsers(text, 'users.csv').map(({ extension, user, line }) => [extension, user, line]);
    const expected = [
      ['1001', 'a@b', 3],
      ['1002', 'c@d', 4],
    ];
    t.same(rows('# c\nextension,user\r\n1001,"a@b"\r\n1002,c@d\r\n'), expected);
    t.same(rows('# c\r\nextension,user\n1001,"a@b"\n1002,c@d\n'), expected);
    t.same(rows('# c\rextension,user\r1001,a@b\r1002,c@d'), expected);
  },
);

t.test('the domain of a tenant has a column of its own', async (t) => {
  t.same(problemsOf('extension,user\n101@first.example,a@b\n'), [
    '2 extension: Write 101 here, and first.example into the column domain.',
  ]);
});
