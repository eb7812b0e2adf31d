import type { Address, EventProtocol } from './link.ts';
import type { Phone } from './sip/phone.ts';

/** Company numbers of the test call centre, as the carrier delivers them (E.164). */
export interface CompanyNumbers {
  /** Rings 1001 for four seconds; nobody else takes the call. */
  readonly direct: string;
  /** A queue in which 1002 and 1003 ring together. */
  readonly queue: string;
  /** Rings 1002, 1003 and 1004 together. */
  readonly ringGroup: string;
}

export const COMPANY: CompanyNumbers = {
  direct: '+918041110001',
  queue: '+918041110002',
  ringGroup: '+918041110003',
};

export type Extension = '1001' | '1002' | '1003' | '1004';
export const EXTENSIONS: readonly Extension[] = ['1001', '1002', '1003', '1004'];

/** A running PBX with its telephones; the stories know nothing else about it. */
export interface Pbx {
  /** Its name in logcalld's config, and the folder of what it said. */
  readonly name: string;
  /** What capture files call this kind of PBX. */
  readonly type: 'asterisk' | 'freeswitch';
  readonly version: string;
  /** Where the PBX's event interface listens, and how it talks. */
  readonly events: Address;
  readonly protocol: EventProtocol;
  /** The carrier's side that places calls into the PBX. */
  readonly caller: Phone;
  /** The carrier's side that gets the calls the PBX places. */
  readonly callee: Phone;
  phone(extension: Extension): Phone;
  /** Password of the event interface. */
  readonly secret: string;
  /** The `[[source]]` table of logcalld's config that watches this PBX through `port`. */
  source(port: number, secretFile: string): string;
  /** The ids under which the PBX's own call records keep its calls: an admin finds a call log's call by them. */
  recordedCalls(): Promise<ReadonlySet<string>>;
  /** Click-to-call: rings the agent's telephone, then calls the number. */
  originate(extension: Extension, number: string): Promise<void>;
  /** The rights of logcalld at this PBX; `null`: there are none that could be missing. */
  readonly rights: PbxRights | null;
  /** `null`: its records tell nothing of a call that was cut off, so that there is nothing to compare. */
  readonly process: PbxProcess | null;
  stop(): Promise<void>;
}

/** What the user of logcalld may hear, as an administrator sets it. */
export interface PbxRights {
  /** These lines in place of those that he has, or `null` for those again; they count from the next login on. */
  set(lines: readonly string[] | null): Promise<void>;
  /** Runs a command as an administrator of the PBX would; what it prints. */
  byHand(command: string): Promise<string>;
}

/** The process of a PBX, as a story may treat it. */
export interface PbxProcess {
  /** SIGKILL: no telephone is told that its call is over. Resolves with the moment at which it was gone, ms since the epoch. */
  kill(): Promise<number>;
  /** Starts it again with its files; resolves when the telephones have registered. */
  start(): Promise<void>;
}

/** Why a PBX cannot be used on this machine; anything else that goes wrong is an ordinary error. */
export class Unavailable extends Error {}
