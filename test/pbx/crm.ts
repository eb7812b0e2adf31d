import type { LedgerEntry } from '../../adapters/leadsquared/sandbox/ledger.ts';
import { type Sandbox, startSandbox } from '../../adapters/leadsquared/sandbox/sandbox.ts';
import { within } from './sip/moment.ts';

/** LeadSquared user of an agent's extension of four digits. */
export function userOf(extension: string): string {
  return `6b1f0c9e-0000-4000-8000-00000000${extension}`;
}

/** +919845012345 as LogCall gets it: +91-9845012345. Knows the country codes that occur in these tests. */
export function crmNumber(e164: string): string {
  return e164.replace(/^\+(1|44|65|91|971)(?=\d)/, '+$1-');
}

/** The customer's number of a posted call. */
function customerOf(entry: LedgerEntry): unknown {
  return entry.body.Direction === 'Inbound' ? entry.body.SourceNumber : entry.body.DestinationNumber;
}

/** LeadSquared's stand-in, as the checks ask it. */
export class Crm {
  readonly sandbox: Sandbox;

  private constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
  }

  /** Starts it with a user for each of these extensions. */
  static async open(agents: readonly string[]): Promise<Crm> {
    const users = agents.map((extension) => ({
      id: userOf(extension),
      firstName: `Agent ${extension}`,
      email: `agent${extension}@example.com`,
    }));
    return new Crm(await startSandbox({ users }));
  }

  /** Call logs of this customer, oldest first. */
  callsOf(customer: string): readonly LedgerEntry[] {
    return this.sandbox.ledger.calls().filter((entry) => customerOf(entry) === crmNumber(customer));
  }

  /** Call logs of the PBX with this name in logcalld's config, oldest first. */
  callsFrom(source: string): readonly LedgerEntry[] {
    return this.sandbox.ledger.calls().filter(({ body }) => String(body.CallSessionId).startsWith(`${source}-`));
  }

  /** Resolves when `calls` tells that many call logs. */
  async arrived(calls: () => readonly LedgerEntry[], count: number): Promise<readonly LedgerEntry[]> {
    const enough = async (): Promise<void> => {
      while (calls().length < count) {
        await this.sandbox.next((seen) => seen.request.path.endsWith('/LogCall'));
      }
    };
    await within(enough(), `the arrival of ${count} call log(s) at the CRM`);
    return calls();
  }

  close(): Promise<void> {
    return this.sandbox.close();
  }
}
