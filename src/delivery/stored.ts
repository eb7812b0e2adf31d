/** Whether the database takes what delivery asks of it: told while calls wait for it, which the CRM's own state does not show. */
import type { OnCondition } from '../condition.ts';

export interface StoreWatch {
  /** `what`: each has trouble of its own. `why`: what the database said. */
  failed(what: string, why: string): void;
  worked(what: string): void;
}

export function watchStore(onCondition: OnCondition): StoreWatch {
  const standing = new Map<string, string>();
  const tell = (): void => {
    const [why] = standing.values();
    const text =
      `The database does not take what becomes of calls (${why ?? ''}): they wait, and it is tried again by itself. ` +
      'Look at its disk (df, dmesg) and at who owns its files; if all is well there, please report it.';
    onCondition({ code: 'delivery-trouble', raised: why !== undefined, severity: 'error', text });
  };
  return {
    failed(what, why) {
      standing.set(what, why);
      tell();
    },
    worked(what) {
      if (standing.delete(what)) tell();
    },
  };
}
