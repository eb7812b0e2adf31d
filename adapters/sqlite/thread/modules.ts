/** Everything the database thread serves. A new module is one line here. */
import { leadCacheModule } from '../caches.ts';
import { erasuresModule } from '../erased/erasures.ts';
import { gapsModule } from '../gaps.ts';
import { journalModule } from '../journal/journal.ts';
import { outboxModule, outboxOf } from '../outbox/outbox.ts';
import { permitsModule } from '../permits.ts';
import { callsModule } from '../sessions/calls.ts';
import { sessionsModule } from '../sessions/sessions.ts';
import { upkeepModule } from '../upkeep/module.ts';
import { userModule } from '../users.ts';

export const modules = {
  journal: journalModule([outboxOf]),
  sessions: sessionsModule,
  outbox: outboxModule,
  permits: permitsModule,
  leadCache: leadCacheModule,
  users: userModule,
  calls: callsModule,
  gaps: gapsModule,
  erasures: erasuresModule,
  upkeep: upkeepModule,
};

export type Modules = typeof modules;
