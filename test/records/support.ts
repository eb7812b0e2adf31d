/** Pages of records, and what is known beside them: stored calls, ids that were heard, channels that are open. */
import { erasuresModule } from '../../adapters/sqlite/erased/erasures.ts';
import type { Span } from '../../src/call/cdr/coverage.ts';
import { DEFAULT_RULES } from '../../src/call/correlate.ts';
import type { CallRecord } from '../../src/call/record.ts';
import { pageMerger } from '../../src/records/merge.ts';
import { SAME_TIME } from '../../src/records/pbx-time.ts';
import type { CallEvent } from '../../src/telephony/call-event.ts';
import { memoryDatabase } from '../adapters/sqlite/support.ts';
import { facts } from '../support/facts.ts';
import { labPlan } from '../support/recordings.ts';

export const START = Date.parse('2026-11-22T10:00:00Z');
const clearing = { q850: 16, sip: null, text: null };

/** A customer calls 1001 and talks for some seconds, as records tell it; the clock of the PBX may differ. */
export function recorded(id: string, ms: number, aheadMs = 0): readonly CallEvent[] {
  const agent = `${id}-agent`;
  const stamp = (after: number) => {
    const at = START + ms + after + aheadMs;
    return { source: 'pbx', at, receivedAt: at };
  };
  const [trunk, phone] = [facts('PJSIP/trunk-in', id), facts('PJSIP/1001', id, { initiator: 'pbx' })];
  const talk = (after: number, kind: 'bridge-entered' | 'bridge-left'): readonly CallEvent[] =>
    [id, agent].map((channel) =>
      kind === 'bridge-left'
        ? { ...stamp(after), kind, channel, bridge: id }
        : { ...stamp(after), kind, channel, bridge: id, bridgeKind: 'talk' },
    );
  return [
    { ...stamp(0), kind: 'channel-created', channel: id, facts: trunk },
    { ...stamp(100), kind: 'channel-created', channel: agent, facts: phone },
    { ...stamp(100), kind: 'dial-started', channel: agent, by: id, number: null, presented: null },
    { ...stamp(2000), kind: 'answered', channel: agent },
    ...talk(2000, 'bridge-entered'),
    ...talk(9000, 'bridge-left'),
    { ...stamp(9000), kind: 'cleared', channel: agent, clearing },
    { ...stamp(9000), kind: 'cleared', channel: id, clearing },
  ];
}

export const span = { from: START, to: START + 60_000 };

/** The calls that are stored, the ids that were heard, the channels that are open. */
export function bench({
  heard = [] as string[],
  open = [] as string[],
  bootedAt = null as number | null,
  lists = [] as number[],
  elsewhere = [] as string[],
  alike = [] as string[],
} = {}) {
  let settle: () => boolean = () => true;
  const stored = new Map<string, CallRecord>();
  const searched: Span[] = [];
  const erasures = erasuresModule(memoryDatabase());
  const merge = pageMerger({
    erasures: { covered: async (args) => erasures.covered(args) },
    ...{
      source: 'pbx',
      plan: labPlan('asterisk'),
      rules: DEFAULT_RULES,
      time: () => SAME_TIME,
      bootedAt: () => bootedAt,
    },
    known: {
      stored: async (ids) => ids.flatMap((id) => stored.get(id) ?? []),
      heard: async ({ ids, span }) => {
        searched.push(span);
        const found = new Set(heard.filter((id) => ids.has(id)));
        return { ids: found, mentioned: found };
      },
      async elsewhere({ calls }) {
        const named = (list: readonly string[]) => calls.filter(({ ids }) => list.some((id) => ids.has(id)));
        const idsOf = (some: typeof calls) => new Set(some.map(({ record }) => record.callSessionId));
        return { theirs: idsOf(named(elsewhere)), alike: idsOf(named(alike)) };
      },
      isOpen: (_source, channel) => open.includes(channel),
      settled: async () => settle(),
      lists: async (_source, since) => lists.filter((at) => at >= since),
    },
    async store(records) {
      const [inserted, changed] = [[] as string[], [] as string[]];
      for (const record of records) {
        (stored.has(record.callSessionId) ? changed : inserted).push(record.callSessionId);
        stored.set(record.callSessionId, record);
      }
      return { inserted, changed };
    },
  });
  const settling = (run: () => boolean): void => {
    settle = run;
  };
  return { merge, stored, searched, heard, settling, erasures };
}
