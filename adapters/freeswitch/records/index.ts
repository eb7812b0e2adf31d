/** The places where FreeSWITCH and FusionPBX keep records of calls. */
export { createCsvRecords } from './csv/records.ts';
export { createFusionPbxRecords } from './fusionpbx.ts';
export { createJsonCdrRecords } from './json-cdr.ts';
export type { CsvOptions, FusionPbxOptions, JsonCdrOptions, PgQuery } from './options.ts';
