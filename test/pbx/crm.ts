import { type Sandbox, startSandbox } from '../../adapters/leadsquared/sandbox.ts';
import type { LedgerEntry } from '../../adapters/leadsquared/sandbox-ledger.ts';
import { EXTENSIONS, type Extension } from './pbx.ts';
import { within } from './sip/moment.ts';

/** LeadSquared user of each agent. */
export const USER_OF: Readonly<Record<Extension, string>> = {
  '1001': '6b1f0c9e-0000-4000-8000-000000001001',
  '1002': '6b1f0c9e-0000-4000-8000-000000001002',
  '1003': '6b1f0c9e-0000-4000-8000-000000001003',
  '1004': '6b1f0c9e-0000-4000-8000-000000001004',
};

/** +919845012345 as LogCall gets it: +91-9845012345. */
export function crmNumber(e164: string): string {
  return e164.replace(/^\+91/, '+91-');
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

  static async open(): Promise<Crm> {
    const users = EXTENSIONS.map((extension) => ({
      id: USER_OF[extension],
      firstName: `Agent ${extension}`,
      email: `agent${extension}@example.com`,
    }));
    return new Crm(await startSandbox({ users }));
  }

  /** Call logs of this customer, oldest first. */
  callsOf(customer: string): readonly LedgerEntry[] {
    return this.sandbox.ledger.calls().filter((entry) => customerOf(entry) === crmNumber(customer));
  }

  /** Resolves when that many call logs of this customer have arrived. */
  async arrived(customer: string, count: number): Promise<readonly LedgerEntry[]> {
    const enough = async (): Promise<void> => {
      while (this.callsOf(customer).length < count) {
        await this.sandbox.next((seen) => seen.request.path.endsWith('/LogCall'));
      }
    };
    await within(enough(), `the arrival of ${count} call log(s) at the CRM`);
    return this.callsOf(customer);
  }

  close(): Promise<void> {
    return this.sandbox.close();
  }
}
