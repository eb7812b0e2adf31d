/** Everything the database thread serves. A new module is one line here. */
import { leadCacheModule } from '../caches.ts';
import { journalModule } from '../journal/journal.ts';
import { limiterModule } from '../limiter.ts';
import { insertDelivery, outboxModule } from '../outbox/outbox.ts';
import { callsModule } from '../sessions/calls.ts';
import { sessionsModule } from '../sessions/sessions.ts';
import { userModule } from '../users.ts';

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
