/** Everything the database thread serves. A new module is one line here. */
import { leadCacheModule } from './caches.ts';
import { callsModule } from './calls.ts';
import { journalModule } from './journal.ts';
import { limiterModule } from './limiter.ts';
import { insertDelivery, outboxModule } from './outbox.ts';
import { sessionsModule } from './sessions.ts';
import { userModule } from './users.ts';

export const modules = {
  journal: journalModule([insertDelivery]),
  sessions: sessionsModule,
  outbox: outboxModule,
  limiter: limiterModule,
  leadCache: leadCacheModule,
  users: userModule,
  calls: callsModule,
};

export type Modules = typeof modules;
