/**
 * How many calls an Asterisk has, by the best question that the AMI user may ask (main/manager.c, main/manager_bridges.c):
 *
 * | action       | right to write          | counts                                                                          |
 * |--------------|-------------------------|---------------------------------------------------------------------------------|
 * | `CoreStatus` | `system` or `reporting` | channels that live, hidden ones of conferences too; since 20, calls so far, and text messages |
 * | `BridgeList` | none                    | channels in bridges: those of calls that were answered, parked or are in a room |
 */
import type { Look } from '../../../src/link/deafness.ts';
import { AmiActionError, type AmiList } from '../link/actions.ts';
import type { AmiPacket } from '../link/packet.ts';

export interface Count extends Look {
  /** False: of the channels that live, only those in bridges. */
  readonly all: boolean;
}

export interface CountLink {
  action(name: string): Promise<AmiPacket>;
  listAction(name: string): Promise<AmiList>;
}

function numberIn(packet: AmiPacket, header: string): number | null {
  const text = packet.get(header);
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

/** Answers `CoreStatus`; `null` when it counts nothing. */
function ofStatus(answer: AmiPacket): Count | null {
  const live = numberIn(answer, 'CoreCurrentCalls');
  return live === null ? null : { live, total: numberIn(answer, 'CoreProcessedCalls'), all: true };
}

function ofBridges({ items }: AmiList): Count {
  const live = items.reduce((sum, item) => sum + (numberIn(item, 'BridgeNumChannels') ?? 0), 0);
  return { live, total: null, all: false };
}

export class Counts {
  readonly #link: CountLink;
  #may: 'all' | 'bridges' | 'nothing' = 'all';
  #logins = 0;

  constructor(link: CountLink) {
    this.#link = link;
  }

  /** Logged in, with rights of its own. */
  begin(): void {
    this.#may = 'all';
    this.#logins += 1;
  }

  /** `null`: no answer, or one that tells nothing. */
  async ask(): Promise<Count | null> {
    const [may, login] = [this.#may, this.#logins];
    if (may === 'nothing') return null;
    try {
      if (may === 'bridges') return ofBridges(await this.#link.listAction('BridgeList'));
      return ofStatus(await this.#link.action('CoreStatus'));
    } catch (error) {
      if (!(error instanceof AmiActionError) || error.failure !== 'refused' || login !== this.#logins) return null;
      this.#may = may === 'all' ? 'bridges' : 'nothing';
      return this.ask();
    }
  }
}
