/** The way to the CRM, with each request counted. */
import type { Crm, Reply } from '../delivery/crm.ts';
import type { PermitOffice } from '../permits/permits.ts';
import type { Operation, Tally } from './tally.ts';

export function meteredCrm({ name, directory, callLog }: Crm, tally: Pick<Tally, 'asked'>): Crm {
  /** A request that was never made, as delivery stops, is none. */
  const count = async <T>(operation: Operation, request: Promise<Reply<T>>): Promise<Reply<T>> => {
    const reply = await request;
    tally.asked(operation, reply.kind, reply.durationMs);
    return reply;
  };
  return {
    name,
    directory: {
      findLeads: (...args) => count('find_leads', directory.findLeads(...args)),
      findEveryLead: (...args) => count('find_leads', directory.findEveryLead(...args)),
      captureLead: (...args) => count('capture_lead', directory.captureLead(...args)),
      users: (...args) => count('users', directory.users(...args)),
    },
    callLog: {
      body: (...args) => callLog.body(...args),
      lateFacts: (...args) => callLog.lateFacts(...args),
      post: (...args) => count('post', callLog.post(...args)),
      update: (...args) => count('update', callLog.update(...args)),
      findLanded: (...args) => count('find_landed', callLog.findLanded(...args)),
      probe: (...args) => count('probe', callLog.probe(...args)),
    },
  };
}

export function meteredPermits(office: PermitOffice, tally: Pick<Tally, 'permitted'>): PermitOffice {
  return {
    ...office,
    async acquire(...args) {
      const permit = await office.acquire(...args);
      tally.permitted(permit.waitedMs);
      return permit;
    },
  };
}
