/** `logcalld inspect --explain`: why a call of a capture is what it is. */
import type { Config, SourceConfig } from '../../../config/schema.ts';
import { explainCalls } from '../../call/explain/explain.ts';
import { channelIdOf } from '../../call/timeline.ts';
import type { FrameReader } from '../../capture/reader.ts';
import type { Terminal } from '../../cli/cli.ts';
import type { Invocation } from '../../cli/command.ts';
import { planOf, rulesOf } from '../../daemon/settings.ts';
import { eventsIn, type RecordedFrame } from '../../inspect.ts';
import { type Explanation, explanationLines } from '../calls/explanation.ts';
import { print, privacy } from '../output.ts';

/** Prints the calls of the capture that have this id, or a leg of it; answers how many. `id`: `all` names every call. */
export function explainCapture(
  invocation: Invocation,
  terminal: Terminal,
  config: Config,
  source: SourceConfig,
  frames: Iterable<RecordedFrame>,
  read: FrameReader,
  id: string,
): number {
  const rules = rulesOf(config);
  const events = [...eventsIn(frames, read, source.name, () => {})];
  const last = events.reduce((latest, { receivedAt }) => Math.max(latest, receivedAt), 0);
  const until = last + rules.graceMs + rules.externalGoneMs;
  const calls = explainCalls(events, source.name, planOf(source), rules, until, 'ended');
  const secrecy = privacy(invocation.flag('numbers'));
  const found = calls.filter(
    ({ record, legs }) =>
      id === 'all' ||
      record.callSessionId === id ||
      channelIdOf(record) === id ||
      legs.some(({ channel }) => channel === id),
  );
  for (const [at, { record, topics, legs, goingOn }] of found.entries()) {
    const one: Explanation = {
      ...{
        id: record.callSessionId,
        asked: id === 'all' || channelIdOf(record) === id ? null : id,
        from: 'journal',
        because: null,
        differs: [],
        unposted: null,
      },
      ...{ goingOn, state: null, account: { record, topics, legs }, why: null },
    };
    if (invocation.flag('json')) print(terminal, JSON.stringify(secrecy.value(one)));
    else {
      if (at > 0) print(terminal, '');
      for (const line of explanationLines(config, one, secrecy)) print(terminal, line);
    }
  }
  return found.length;
}
