/** Which keys the schema knows: for "did you mean" and for the test of the example file. */
import { z } from 'zod';
import type { KeyPath } from './problem.ts';
import { inlineSecret } from './values.ts';

/** The schema below defaults, nullability and transformations. */
function bare(schema: z.core.$ZodType): z.core.$ZodType {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodOptional
  ) {
    return bare(schema.def.innerType);
  }
  return schema instanceof z.ZodPipe ? bare(schema.def.in) : schema;
}

function variants(schema: z.core.$ZodType): readonly z.ZodObject[] {
  const inner = bare(schema);
  if (inner instanceof z.ZodArray) return variants(inner.def.element);
  if (inner instanceof z.ZodObject) return [inner];
  return inner instanceof z.ZodUnion ? inner.def.options.flatMap((option) => variants(option)) : [];
}

/** Names allowed in the table at `path`; for `[[source]]` the table's own `type` chooses. */
export function keysAt(schema: z.core.$ZodType, path: KeyPath, value: unknown): readonly string[] {
  let tables = variants(schema);
  let here = value;
  for (const part of path) {
    here = typeof here === 'object' && here !== null ? Reflect.get(here, part) : undefined;
    if (typeof part === 'string')
      tables = tables.flatMap((table) => (part in table.shape ? variants(child(table, part)) : []));
    tables = narrow(tables, here);
  }
  return [...new Set(tables.flatMap((table) => Object.keys(table.shape)))];
}

function child(table: z.ZodObject, key: string): z.core.$ZodType {
  return table.shape[key] ?? z.never();
}

function narrow(tables: readonly z.ZodObject[], value: unknown): readonly z.ZodObject[] {
  const type = typeof value === 'object' && value !== null ? Reflect.get(value, 'type') : undefined;
  const chosen = tables.filter((table) => {
    const word = bare(child(table, 'type'));
    return word instanceof z.ZodLiteral && typeof type === 'string' && word.def.values.includes(type);
  });
  return chosen.length > 0 ? chosen : tables;
}

/** A key of the schema. */
export interface SchemaKey {
  /** Array positions left out; `source` comes once per type: `source(asterisk).host`. */
  readonly path: string;
  /** What a value must be, as the messages say it; `null` where any will do. */
  readonly expected: string | null;
  /** Whether its value is a secret. */
  readonly secret: boolean;
}

/** Every key of the schema. */
export function schemaKeys(schema: z.core.$ZodType, prefix = ''): readonly SchemaKey[] {
  const tables = variants(schema);
  return tables.flatMap((table) => {
    const word = bare(child(table, 'type'));
    const label = tables.length > 1 && word instanceof z.ZodLiteral ? `(${String(word.def.values[0])})` : '';
    return Object.keys(table.shape).flatMap((key) => {
      const path = `${prefix}${label}${prefix === '' ? '' : '.'}${key}`;
      const inner = schemaKeys(child(table, key), path);
      return inner.length > 0 ? inner : [{ path, ...aboutKey(child(table, key)) }];
    });
  });
}

/** The same, their paths alone. */
export const allKeys = (schema: z.core.$ZodType): readonly string[] => schemaKeys(schema).map(({ path }) => path);

/** Names of the keys whose values are secrets, wherever they stand. */
export const secretKeys = (schema: z.core.$ZodType): ReadonlySet<string> =>
  new Set(schemaKeys(schema).flatMap(({ path, secret }) => (secret ? (path.split('.').at(-1) ?? path) : [])));

const aboutKey = (schema: z.core.$ZodType): Pick<SchemaKey, 'expected' | 'secret'> => ({
  expected: expectedOf(schema),
  secret: schema === inlineSecret,
});

function expectedOf(schema: z.core.$ZodType): string | null {
  const inner = bare(schema);
  const error: unknown = Reflect.get(inner._zod.def, 'error');
  const told: unknown = typeof error === 'function' ? error({}) : error;
  if (typeof told === 'string') return told;
  return inner instanceof z.ZodLiteral ? `'${String(inner.def.values[0])}'` : null;
}
