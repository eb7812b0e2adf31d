/** Calls that come one after the other, at random, until they are stopped. */
import type { Pbx, Template } from '../calls/template.ts';
import type { Chance } from './chance.ts';
import { customerOf, type Site } from './site.ts';

export type Templates = Readonly<Record<Pbx, readonly Template[]>>;

export interface TrafficOptions {
  readonly perSecond: number;
  /** The recordings are played so much faster. */
  readonly speed: number;
  readonly chance: Chance;
}

/** Answers how to end it; calls that go on then go on to their end. */
export function traffic(site: Site, all: Templates, { perSecond, speed, chance }: TrafficOptions): () => void {
  let placed = 0;
  const place = (): void => {
    const pbx = chance.is(0.6) ? site.asterisk : site.freeswitch;
    pbx.place(chance.pick(all[pbx.pbx]), { speed, customer: customerOf(placed++) });
  };
  const timer = setInterval(place, 1000 / perSecond);
  return () => clearInterval(timer);
}

/** Seconds of conversation in the CRM of calls that never last a minute: what was invented shows by its size. */
export function longCalls(site: Site, mostSeconds: number): string[] {
  return site.crm.ledger.calls().flatMap(({ body }) => {
    const [start, end] = [body.StartTime, body.EndTime].map((text) => Date.parse(`${String(text).replace(' ', 'T')}Z`));
    const seconds = Math.max(Number(body.CallDuration), ((end ?? 0) - (start ?? 0)) / 1000);
    return seconds > mostSeconds ? [`${String(body.CallSessionId)} is said to have lasted ${seconds} s`] : [];
  });
}
