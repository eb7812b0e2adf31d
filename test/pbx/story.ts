import type { Link } from './link.ts';
import { COMPANY, type Extension, type Pbx } from './pbx.ts';
import type { Call } from './sip/call.ts';

/** The daemon as a story may treat it. */
export interface DaemonControl {
  /** SIGKILL, as a power cut would; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM, as systemd does. */
  stop(): Promise<void>;
  /** Resolves when it watches the PBX again. */
  start(): Promise<void>;
  /** Resolves when it has logged what fits, from now on; `ms`: for so long it is waited for. */
  says(text: RegExp, ms: number): Promise<void>;
  /** Runs another command beside it; `onOutput` hears all that it has printed so far. */
  command(
    words: readonly string[],
    onOutput?: (text: string) => void,
  ): Promise<{ readonly code: number; readonly out: string }>;
}

/** What a story can work with. */
export interface Lab {
  readonly pbx: Pbx;
  readonly link: Link;
  readonly daemon: DaemonControl;
  /** The page of the daemon. */
  readonly page: { readonly address: string; readonly token: string };
  /** An Indian mobile number nobody used before in this run, E.164. */
  newNumber(): string;
}

/** One call as the telephones saw it; exactly one call log is to say the same. Times: ms since the epoch, UTC. */
export interface SeenCall {
  readonly direction: 'Inbound' | 'Outbound';
  /** Word of the call's status; logcalld is configured to send these words unchanged. */
  readonly status: 'Answered' | 'Abandoned' | 'Missed' | 'Busy' | 'Voicemail' | 'NoAnswer' | 'Cancelled' | 'Failed';
  /** The customer's number, E.164. */
  readonly customer: string;
  /** The company number shown, E.164. */
  readonly company: string;
  /** The agent the call is credited to; more than one where telephones rang together and nobody answered. */
  readonly agents: readonly string[];
  readonly startedAt: number;
  /** `null` when no person answered. */
  readonly answeredAt: number | null;
  readonly endedAt: number;
  /** Where nobody told the daemon of the end: it may claim any end between these two. */
  readonly endKnownFrom?: number;
  readonly endKnownBy?: number;
}

export interface Story {
  readonly name: string;
  /** Plays the calls and tells what the telephones saw. */
  readonly play: (lab: Lab) => Promise<readonly SeenCall[]>;
}

/** How long people talk in the stories, ms. */
export const TALK_MS = 1_200;

type Status = SeenCall['status'];

/** What an inbound call was: `caller` lived from its beginning to its end, `answered` made it a conversation. */
export function inboundCall(status: Status, caller: Call, agents: readonly Extension[], answered?: Call): SeenCall {
  const numbers = { customer: caller.callerNumber, company: caller.calledNumber };
  return { direction: 'Inbound', status, ...numbers, agents, ...timesOf(caller, answered) };
}

/** The same of a call out: `agent` is the agent's own leg. */
export function outboundCall(
  status: Status,
  customer: string,
  extension: Extension,
  agent: Call,
  answered?: Call,
): SeenCall {
  const numbers = { customer, company: COMPANY.direct };
  return { direction: 'Outbound', status, ...numbers, agents: [extension], ...timesOf(agent, answered) };
}

function timesOf(outer: Call, answered: Call | undefined): Pick<SeenCall, 'startedAt' | 'answeredAt' | 'endedAt'> {
  if (outer.ended.at === null) throw new Error('the story forgot to wait for the end of its call');
  return { startedAt: outer.startedAt, answeredAt: answered?.answered.at ?? null, endedAt: outer.ended.at };
}

/** The next call of an agent's telephone, which rings. */
export async function ringingAt(lab: Lab, extension: Extension): Promise<Call> {
  const call = await lab.pbx.phone(extension).nextCall();
  call.ring();
  return call;
}

/** A customer calls a company number and the agent's telephone takes the call. */
export async function answeredInbound(
  lab: Lab,
  company: string,
  extension: Extension,
  customer: string = lab.newNumber(),
): Promise<{ readonly caller: Call; readonly agent: Call }> {
  const caller = await lab.pbx.caller.call(company, { number: customer });
  const agent = await ringingAt(lab, extension);
  agent.answer();
  await caller.answered.wait();
  return { caller, agent };
}
