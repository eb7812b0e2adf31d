/** The places of records that the config names. */
import { createRecords } from '../../adapters/index.ts';
import { addressesOf } from '../../config/records.ts';
import { type Config, recordsSecret } from '../../config/schema.ts';
import { type CallRecords, RecordsError } from '../records/port.ts';
import type { Secret, SecretRef } from '../secret.ts';

/**
 * By the name of their source. `readSecret` throws an Error with the remedy: calls are logged all the same, and the records
 * cannot be read until it is there.
 */
export function placesOf(
  config: Config,
  readSecret: (ref: SecretRef) => Secret,
): ReadonlyMap<string, readonly CallRecords[]> {
  return new Map(
    config.source.map((source) => {
      const places = createRecords(source, {
        secret(records) {
          const ref = recordsSecret(source.name, records);
          try {
            return ref === null ? '' : readSecret(ref).reveal();
          } catch (error) {
            throw new RecordsError(error instanceof Error ? error.message : String(error));
          }
        },
      });
      return [source.name, places] as const;
    }),
  );
}

/** Where the records of each source lie, by its name; see `SourcePlaces`. */
export function addressesBySource(config: Config): ReadonlyMap<string, readonly string[]> {
  return new Map(config.source.map(({ name, records }) => [name, records.flatMap(addressesOf)] as const));
}
