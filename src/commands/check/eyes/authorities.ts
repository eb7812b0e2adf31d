/** The certificate files that a config names. */
import { readAuthorities } from '../../../../adapters/tls/settings.ts';
import type { SourceConfig } from '../../../../config/schema.ts';
import { type Finding, ok } from '../finding.ts';
import { accessFindings } from './access.ts';
import type { Eyes } from './service.ts';

interface Authority {
  readonly file: string;
  /** Of the config. */
  readonly table: string;
}

/** The certificate files of a PBX, and of databases with its records, that are reached over TLS. */
function authoritiesOf(source: SourceConfig): Authority[] {
  const own = source.type === 'asterisk' ? [{ ...source.tls, table: '[source.tls]' }] : [];
  const places = source.records.flatMap((records) =>
    'tls' in records ? [{ ...records.tls, table: '[source.records.tls]' }] : [],
  );
  return [...own, ...places].flatMap(({ enabled, ca_file: file, table }) =>
    enabled && file !== null ? [{ file, table }] : [],
  );
}

/** Whether they may be read, and hold certificates. */
export function authorities(source: SourceConfig, eyes: Eyes): readonly Finding[] {
  const about = `TLS of ${source.name}`;
  const access = authoritiesOf(source).flatMap(({ file }) => accessFindings(about, file, 'read', eyes));
  return access.length > 0 ? access : checkAuthorities(source);
}

/** Whether they hold certificates. */
export function checkAuthorities(source: SourceConfig): Finding[] {
  return authoritiesOf(source).map(({ file, table }): Finding => {
    const about = `TLS of ${source.name}`;
    try {
      readAuthorities(file, table);
      return ok(about, `certificates of ${file}`);
    } catch (error) {
      return { level: 'FAIL', about, text: error instanceof Error ? error.message : String(error) };
    }
  });
}
