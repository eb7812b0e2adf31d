/** Short hand-written event sequences: what the recordings show, reduced to the headers that the rules read. */
import { readEslFrame } from '../../../../adapters/freeswitch/capture.ts';
import { type CallRules, CallTable, DEFAULT_RULES } from '../../../../src/call/correlate.ts';
import type { SourcePlan } from '../../../../src/call/plan.ts';
import type { CallRecord } from '../../../../src/call/record.ts';
import type { CallEvent } from '../../../../src/telephony/call-event.ts';
import { compilePattern } from '../../../../src/telephony/endpoint.ts';

export type Headers = Readonly<Record<string, string>>;

/** ms since the epoch at offset 0 of every story. */
export const START = 1_795_344_000_000;

export const plan: SourcePlan = {
  extensions: [compilePattern('/^sofia\\/internal\\/(?<ext>\\d{2,6})(?:@.*)?$/')],
  trunks: [],
  country: 'IN',
  owners: new Map(),
  own: new Set(),
  mobiles: new Map(),
};

export const micros = (offset: number) => String((START + offset) * 1000);

/** The bytes of an `event json` frame. */
export function frame(headers: Headers): Uint8Array {
  const body = Buffer.from(JSON.stringify(headers));
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\nContent-Type: text/event-json\n\n`), body]);
}

export function answer(body: string): Uint8Array {
  return Buffer.from(`Content-Type: api/response\nContent-Length: ${Buffer.byteLength(body)}\n\n${body}`);
}

export const greeting = Buffer.from('Content-Type: auth/request\n\n');

export function read(headers: Headers): readonly CallEvent[] {
  return readEslFrame(frame(headers), 'fs', START);
}

interface Leg {
  readonly id: string;
  readonly headers: Headers;
  readonly createdAt: number;
  answeredAt: number | null;
  bridgedAt: number | null;
  partner: string | null;
}

/** Writes a story of legs; every step happens at an offset in ms. */
export class Story {
  readonly #legs = new Map<string, Leg>();
  readonly #frames: { readonly at: number; readonly raw: Uint8Array }[] = [];
  readonly #boot: string;

  constructor(boot = 'core-1') {
    this.#boot = boot;
  }

  /** A caller on the trunk. */
  caller(at: number, id: string, number = '+919845012345', did = '+918041110001', more: Headers = {}): this {
    const name = `sofia/external/${number}@carrier.lab`;
    return this.#create(at, id, 'inbound', name, number, did, { 'Channel-Call-UUID': id, ...more });
  }

  /** A phone that dials. */
  dials(at: number, id: string, ext: string, number: string): this {
    return this.#create(at, id, 'inbound', `sofia/internal/${ext}@pbx.lab`, ext, number, { 'Channel-Call-UUID': id });
  }

  /** A phone that is rung; `by`: the leg that dials it, `null` when it is originated or rung by a queue. */
  rings(at: number, id: string, ext: string, by: string | null, more: Headers = {}): this {
    const name = `sofia/internal/${ext}@127.0.0.1:51${ext.slice(-2)}`;
    const call = by === null ? id : (this.#legs.get(by)?.headers['Channel-Call-UUID'] ?? by);
    return this.#create(at, id, 'outbound', name, more['Caller-Caller-ID-Number'] ?? '+919845012345', ext, {
      'Channel-Call-UUID': call,
      ...originator(by),
      variable_dialed_user: ext,
      ...more,
    });
  }

  /** A call sent out by the gateway. */
  outside(at: number, id: string, number: string, by: string | null, more: Headers = {}): this {
    const call = by === null ? id : (this.#legs.get(by)?.headers['Channel-Call-UUID'] ?? by);
    return this.#create(at, id, 'outbound', `sofia/external/${number}`, '+918041110001', number, {
      'Channel-Call-UUID': call,
      ...originator(by),
      variable_sip_gateway_name: 'trunk_in',
      ...more,
    });
  }

  /** Both halves of a loopback; `by`: the leg that dials it, `null` when it is originated. */
  loopback(at: number, a: string, b: string, target: string, by: string | null, more: Headers = {}): this {
    this.#create(at, a, 'outbound', `loopback/${target}-a`, '+919845012345', target, {
      'Channel-Call-UUID': by ?? a,
      ...originator(by),
      variable_other_loopback_leg_uuid: b,
      ...more,
    });
    return this.#create(at, b, 'inbound', `loopback/${target}-b`, '+919845012345', target, {
      'Channel-Call-UUID': b,
      variable_other_loopback_leg_uuid: a,
    });
  }

  answers(at: number, ...ids: readonly string[]): this {
    for (const id of ids) {
      const leg = this.#legs.get(id);
      if (leg !== undefined) leg.answeredAt = at;
      this.#event(at, 'CHANNEL_ANSWER', id);
    }
    return this;
  }

  bridges(at: number, a: string, b: string): this {
    for (const [id, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const leg = this.#legs.get(id);
      if (leg === undefined) continue;
      leg.bridgedAt = at;
      leg.partner = other;
    }
    return this.#event(at, 'CHANNEL_BRIDGE', a, { 'Bridge-A-Unique-ID': a, 'Bridge-B-Unique-ID': b });
  }

  custom(at: number, subclass: string, headers: Headers): this {
    return this.#push(at, { 'Event-Name': 'CUSTOM', 'Event-Subclass': subclass, ...headers });
  }

  event(at: number, name: string, id: string, headers: Headers = {}): this {
    return this.#event(at, name, id, headers);
  }

  /** The leg ends. `by`: `recv_bye` and the like when its own endpoint ended it. */
  ends(at: number, id: string, cause = 'NORMAL_CLEARING', by = 'send_bye', more: Headers = {}): this {
    return this.#event(at, 'CHANNEL_HANGUP_COMPLETE', id, {
      'Hangup-Cause': cause,
      'Caller-Channel-Hangup-Time': micros(at),
      variable_hangup_cause_q850: String(Q850[cause] ?? 16),
      variable_sip_hangup_disposition: by,
      ...more,
    });
  }

  raw(at: number, raw: Uint8Array): this {
    this.#frames.push({ at, raw });
    return this;
  }

  /** Goes on with the events of another story. */
  merge(other: Story): this {
    this.#frames.push(...other.#frames);
    return this;
  }

  /** What the core makes of it. */
  records(keep: (raw: string) => boolean = () => true, rules: CallRules = DEFAULT_RULES): CallRecord[] {
    const table = new CallTable('fs', plan, rules);
    const ended: CallRecord[] = [];
    for (const { at, raw } of this.#frames) {
      if (!keep(Buffer.from(raw).toString())) continue;
      for (const event of readEslFrame(raw, 'fs', START + at)) ended.push(...table.apply(event).ended);
    }
    const last = this.#frames.at(-1)?.at ?? 0;
    ended.push(...table.advance(START + last + rules.graceMs + rules.externalGoneMs).ended);
    return ended;
  }

  /** The headers that `uuid_dump` would show of the leg now. */
  dump(at: number, id: string): Headers {
    return { ...this.#headers(id), 'Event-Name': 'CHANNEL_DATA', 'Event-Date-Timestamp': micros(at) };
  }

  #create(
    at: number,
    id: string,
    direction: string,
    name: string,
    number: string,
    dialled: string,
    more: Headers,
  ): this {
    const headers = {
      'Channel-Name': name,
      'Unique-ID': id,
      'Call-Direction': direction,
      'Caller-Caller-ID-Number': number,
      'Caller-Orig-Caller-ID-Number': number,
      'Caller-Destination-Number': dialled,
      ...(direction === 'inbound' ? { variable_sip_req_user: dialled } : { variable_sip_from_user: number }),
      ...more,
    };
    this.#legs.set(id, { id, headers, createdAt: at, answeredAt: null, bridgedAt: null, partner: null });
    return this.#event(at, 'CHANNEL_CREATE', id);
  }

  #headers(id: string): Headers {
    const leg = this.#legs.get(id);
    if (leg === undefined) return { 'Unique-ID': id };
    const time = (at: number | null) => (at === null ? '0' : micros(at));
    return {
      ...leg.headers,
      'Caller-Channel-Created-Time': time(leg.createdAt),
      'Caller-Channel-Answered-Time': time(leg.answeredAt),
      'Caller-Channel-Bridged-Time': time(leg.bridgedAt),
      ...(leg.partner === null ? {} : { variable_bridge_uuid: leg.partner, variable_signal_bond: leg.partner }),
    };
  }

  #event(at: number, name: string, id: string, more: Headers = {}): this {
    return this.#push(at, { 'Event-Name': name, ...this.#headers(id), ...more });
  }

  #push(at: number, headers: Headers): this {
    const stamped = { 'Core-UUID': this.#boot, 'Event-Date-Timestamp': micros(at), ...headers };
    this.#frames.push({ at, raw: frame(stamped) });
    return this;
  }
}

const Q850: Readonly<Record<string, number>> = {
  USER_BUSY: 17,
  NO_ANSWER: 19,
  NO_USER_RESPONSE: 18,
  NO_ROUTE_DESTINATION: 3,
};

function originator(by: string | null): Headers {
  return by === null
    ? {}
    : { 'Other-Type': 'originator', 'Other-Leg-Unique-ID': by, variable_originating_leg_uuid: by };
}
