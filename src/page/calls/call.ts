/** Everything about one call, asked together. */
import type { Config } from '../../../config/schema.ts';
import { ladderOf, ladderOfRecord } from '../../call/ladder.ts';
import { timelineOf } from '../../call/timeline.ts';
import { remedies } from '../../commands/calls/account-lines.ts';
import { stored } from '../../commands/calls/explain.ts';
import { journalOf } from '../../commands/calls/heard.ts';
import { planOf } from '../../daemon/settings.ts';
import type { Daemon } from '../ask.ts';
import type { Look } from '../html.ts';
import type { CallView } from '../views/call.ts';
import { againOf } from './replay.ts';

/** Rejects with `ControlError` when no call, or more than one, has this id. `now`: ms since the epoch. */
export async function callView(
  daemon: Pick<Daemon, 'call'>,
  config: Config,
  id: string,
  now: number,
): Promise<(look: Look) => CallView> {
  const details = await daemon.call('call', { id });
  const explanation = await stored(daemon, config, journalOf(daemon), details, now);
  const source = config.source.find(({ name }) => name === details.record.source);
  const plan = source === undefined ? null : planOf(source);
  const { record, events } = details;
  const again = await againOf(daemon, details.delivery);
  const ladder = (plan === null ? null : ladderOf(events, plan)) ?? ladderOfRecord(record);
  return (look) => ({
    ...{ details, ladder, explanation, again },
    timeline: plan === null ? [] : timelineOf(events, plan, (number) => look.secrecy.number(number)),
    remedies: plan === null ? [] : remedies(explanation.account, plan, look.secrecy),
  });
}
