/** Who reads what a PBX said: decided by the type that its source has in the config. */
import { frameReaders } from '../../adapters/index.ts';
import type { ReaderOf } from '../../adapters/sqlite/journal/events.ts';
import type { Config } from '../../config/schema.ts';

export function readersOf(config: Config): ReaderOf {
  const types = new Map(config.source.map(({ name, type }) => [name, type]));
  return (source) => frameReaders[types.get(source) ?? ''] ?? null;
}
