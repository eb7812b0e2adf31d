/** Apart from the answers of `status`: each command has this text at hand. */
import { type Holder, holderText } from '../../../adapters/sqlite/thread/holder.ts';

/** About a daemon that has the database open and cannot be reached. */
export function silent(holder: Holder | null): string {
  return `The database is in use by ${holderText(holder)}, which does not answer here: try again in a moment, use sudo, or run this where that one runs.`;
}
