import t from 'tap';
import { progress } from '../../src/commands/progress.ts';

const terminal = (screen: boolean) => {
  const written: string[] = [];
  return { written, screen, out: () => t.fail('written to the result'), error: (text: string) => written.push(text) };
};

t.test('without a screen there is a line now and then', async (t) => {
  const { written, ...log } = terminal(false);
  const shown = progress(log);
  for (let done = 300; done <= 25_000; done += 300) shown.at(done, `${done}`);
  shown.clear();
  t.same(written, ['10200\n', '20100\n']);
});

t.test('on a screen there is one line, which goes away', async (t) => {
  const { written, ...log } = terminal(true);
  const shown = progress(log);
  shown.clear();
  t.same(written, [], 'nothing where nothing was');
  shown.at(1, 'a');
  shown.at(2, 'b');
  shown.clear();
  shown.clear();
  t.same(written, ['\r\x1b[Ka', '\r\x1b[Kb', '\r\x1b[K']);
});
