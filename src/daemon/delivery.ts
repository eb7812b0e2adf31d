/** The right half of the daemon: the way to LeadSquared, its limit, and the worker that posts. */
import { randomUUID } from 'node:crypto';
import { createCallLog } from '../../adapters/leadsquared/call-log.ts';
import { createDirectory } from '../../adapters/leadsquared/directory.ts';
import { createClient } from '../../adapters/leadsquared/http/client.ts';
import { sqliteOutbox } from '../../adapters/sqlite/outbox/port.ts';

import type { Config } from '../../config/schema.ts';
import type { DeliveryPolicy } from '../delivery/policy.ts';
import { createDelivery, type Delivery } from '../delivery/service.ts';
import type { Conditions } from '../health/conditions.ts';
import { meteredCrm, meteredPermits } from '../metrics/metered.ts';
import type { Tally } from '../metrics/tally.ts';
import { openPermits } from '../permits/permits.ts';
import type { Clock, Log } from '../ports.ts';
import type { Secret } from '../secret.ts';
import type { Store } from './answers/lookup.ts';
import { type Tail, watched } from './answers/tail.ts';
import { type Closing, DRAIN_MS } from './closing.ts';
import { watchParked } from './parked.ts';
import { CRM, callLogPolicyOf, directoryPolicyOf } from './settings.ts';

export interface DeliveryParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly closing: Closing;
}

export interface DeliveryNeeds {
  readonly accessKey: Secret;
  readonly secretKey: Secret;
  readonly policy: DeliveryPolicy;
  readonly store: Store;
  readonly conditions: Conditions;
  readonly tally: Tally;
  readonly tail: Tail;
}

/** Opens the limit and makes the worker; it posts nothing before it is started. */
export async function openDelivery({ config, clock, log, closing }: DeliveryParts, needs: DeliveryNeeds) {
  const { accessKey, secretKey, policy, store, conditions, tally, tail } = needs;
  const owner = randomUUID();
  const office = await openPermits({
    ...{ clock, owner, crm: CRM },
    store: store.permits,
    random: Math.random,
    limit: policy.limit,
    onCondition: conditions.take,
  });
  closing.add('delivery', office.close);
  const permits = meteredPermits(office, tally);
  const client = createClient({
    host: config.leadsquared.host,
    accessKey: accessKey.reveal(),
    secretKey: secretKey.reveal(),
    auth: config.leadsquared.auth,
    insecure: config.leadsquared.insecure,
    timeouts: {
      connectMs: config.leadsquared.connect_timeout,
      headersMs: config.leadsquared.reply_timeout,
      bodyMs: config.leadsquared.reply_timeout,
      totalMs: config.leadsquared.total_timeout,
    },
    permits,
    clock,
  });
  closing.add('crm', client.close);
  const callLogPolicy = callLogPolicyOf(config);
  const callLog = createCallLog(client, callLogPolicy, (field) =>
    conditions.set('crm-field-refused', refusedText(field), 'warning'),
  );
  const parked = watchParked(watched(sqliteOutbox(store.outbox), tail), conditions, clock);
  const made = createDelivery({
    store: { outbox: parked.outbox, leads: store.leadCache, users: store.users },
    permits,
    crm: meteredCrm({ name: CRM, directory: createDirectory(client, directoryPolicyOf(config)), callLog }, tally),
    clock,
    random: Math.random,
    policy,
    log,
    onCondition: conditions.take,
    onLogged: tally.logged,
    owner,
    alone: true,
  });

  const delivery: Delivery = {
    ...made,
    async start() {
      await parked.start();
      await made.start();
    },
    async drain(deadlineMs) {
      parked.stop();
      await made.drain(deadlineMs);
    },
  };
  closing.add('delivery', () => delivery.drain(DRAIN_MS));
  return { permits, delivery, callLogPolicy };
}

const refusedText = (field: string): string =>
  `${CRM} refuses the field ${field}: calls are posted without the links of their further recordings. Set [leadsquared.body] ` +
  "more_recordings to a field that it takes, or to '' to leave them out.";
