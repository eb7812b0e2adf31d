/** Reads every metric at one moment from what exists. */

import { isUp } from '../delivery/health/standing.ts';
import type { DeliverySnapshot } from '../delivery/service.ts';
import { DELIVERY_STATES } from '../delivery/states.ts';
import type { RaisedCondition } from '../health/conditions.ts';
import { heardHow, isHeard } from '../health/heard.ts';
import { type PermitSnapshot, PRIORITIES } from '../permits/port.ts';
import type { SourceStatus } from '../ports.ts';
import type { Gap } from '../records/gaps.ts';
import type { Distribution, Family, Reading, Sample, Series } from './family.ts';
import { FAMILIES, METRICS } from './list.ts';
import type { Tally } from './tally.ts';

/** What the database knows. */
export interface StoredFacts {
  readonly delivery: DeliverySnapshot;
  /** Of each PBX the last gap, and the last ones that are open, wait or were not filled. */
  readonly gaps: readonly Gap[];
}

/** Bytes. */
export interface FileFacts {
  readonly database: number;
  readonly wal: number;
  readonly disk: number;
  readonly available: number;
}

/** Bytes, seconds; `startedAt`: ms since the epoch. */
export interface ProcessFacts {
  readonly startedAt: number;
  readonly cpu: number;
  readonly memory: number;
  readonly heap: number;
  readonly lag: number;
  readonly busy: number;
}

/** Everything that is known at this moment. */
export interface Facts {
  readonly version: string;
  readonly node: string;
  /** ms since the epoch. */
  readonly at: number;
  readonly told: ReadonlyMap<string, number>;
  readonly conditions: readonly RaisedCondition[];
  readonly sources: readonly SourceStatus[];
  readonly openCalls: (source: string) => number;
  readonly tally: Tally;
  readonly permits: PermitSnapshot;
  /** Requests in a window by the config. */
  readonly limit: number;
  readonly pendingBytes: number;
  readonly backup: { readonly at: number; readonly bytes: number } | null;
  readonly process: ProcessFacts;
  /** `null`: they could not be had in time. */
  readonly stored: StoredFacts | null;
  readonly files: FileFacts | null;
}

export function readMetrics(facts: Facts): Reading {
  const reading = new Map<Family, Series>();
  const put = (of: Family, series: Series): void => void reading.set(of, series);
  const one = (of: Family, value: number): void => put(of, [{ value }]);
  const { program, storage } = METRICS;
  put(program.build, [{ labels: { version: facts.version, node: facts.node }, value: 1 }]);
  put(program.events, byLabel('event', facts.told));
  put(program.condition, facts.conditions.map(raised));
  putSources(put, facts);
  putCrm(put, one, facts);
  putProcess(one, facts.process);
  one(storage.up, facts.stored === null ? 0 : 1);
  one(storage.pending, facts.pendingBytes);
  if (facts.backup !== null) {
    one(storage.backupAt, facts.backup.at / 1000);
    one(storage.backupSize, facts.backup.bytes);
  }
  if (facts.files !== null) {
    one(storage.size, facts.files.database);
    one(storage.wal, facts.files.wal);
    one(storage.disk, facts.files.disk);
    one(storage.free, facts.files.available);
  }
  if (facts.stored !== null) putStored(put, one, facts.stored, facts.at);
  // In the order of the list, whatever was read first.
  return new Map(FAMILIES.flatMap((of) => (reading.has(of) ? [[of, reading.get(of) ?? []] as const] : [])));
}

type Put = (of: Family, series: readonly Sample[] | readonly Distribution[]) => void;
type One = (of: Family, value: number) => void;

function raised({ code, severity, source }: RaisedCondition): Sample {
  return { labels: { code, severity, pbx: source ?? '' }, value: 1 };
}

function byLabel(label: string, values: ReadonlyMap<string, number>): readonly Sample[] {
  return [...values].map(([name, value]) => ({ labels: { [label]: name }, value }));
}

function putSources(put: Put, { sources, openCalls, tally, conditions }: Facts): void {
  const { pbx, calls } = METRICS;
  /** `null`: not known, so left out. */
  const each = (of: Family, read: (status: SourceStatus) => number | null): void => {
    put(
      of,
      sources.flatMap((status) => {
        const value = read(status);
        return value === null ? [] : [{ labels: { pbx: status.name }, value }];
      }),
    );
  };
  each(pbx.connected, (status) => (isHeard(status, conditions) ? 1 : 0));
  each(pbx.problem, (status) => (heardHow(status, conditions) === 'troubled' ? 1 : 0));
  put(pbx.lost, tally.losses.samples());
  each(pbx.frames, ({ frames }) => frames);
  each(pbx.unknown, ({ unknownEvents }) => unknownEvents);
  each(pbx.faults, ({ faults }) => faults);
  each(pbx.lastFrame, ({ lastFrameAt }) => (lastFrameAt === null ? null : lastFrameAt / 1000));
  each(pbx.ahead, ({ aheadMs = null }) => (aheadMs === null ? null : aheadMs / 1000));
  each(calls.active, ({ name }) => openCalls(name));
  put(calls.ended, tally.calls.samples());
}

function putCrm(put: Put, one: One, { tally, permits, limit: configured }: Facts): void {
  const { calls, crm, limit } = METRICS;
  put(calls.latency, tally.latency.distributions());
  put(crm.requests, tally.requests.samples());
  put(crm.seconds, tally.requestSeconds.distributions());
  put(limit.wait, tally.permitWait.distributions());
  one(limit.allowed, permits.tuning.requests);
  one(limit.configured, configured);
  one(limit.window, permits.tuning.windowMs / 1000);
  one(limit.used, permits.used);
  one(limit.today, permits.usedToday);
  put(
    limit.waiting,
    PRIORITIES.map((priority) => ({ labels: { priority }, value: permits.waiting[priority] })),
  );
}

function putStored(put: Put, one: One, { delivery, gaps }: StoredFacts, at: number): void {
  const { pbx, calls, crm } = METRICS;
  put(
    calls.deliveries,
    DELIVERY_STATES.map((state) => ({ labels: { state }, value: delivery.states[state] })),
  );
  one(calls.oldest, (delivery.oldestMs ?? 0) / 1000);
  one(crm.available, isUp(delivery.standing) ? 1 : 0);
  one(crm.paused, delivery.paused ? 1 : 0);
  one(crm.users, delivery.users.count);
  if (delivery.users.fetchedAt !== null) one(crm.usersAt, delivery.users.fetchedAt / 1000);
  put(
    pbx.gap,
    gaps.map(({ source, state, endedAt, beganAt }) => ({
      labels: { pbx: source, state },
      value: Math.min(at, endedAt ?? beganAt) / 1000,
    })),
  );
}

function putProcess(one: One, { startedAt, cpu, memory, heap, lag, busy }: ProcessFacts): void {
  const { runtime } = METRICS;
  one(runtime.started, startedAt / 1000);
  one(runtime.cpu, cpu);
  one(runtime.memory, memory);
  one(runtime.heap, heap);
  one(runtime.lag, lag);
  one(runtime.busy, busy);
}
