/** Which keys the schema knows: for "did you mean" and for the test of the example file. */
import { z } from 'zod';
import type { KeyPath } from './problem.ts';

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

/** Every key of the schema with its path, array positions left out; `source` comes once per type: `source(asterisk).host`. */
export function allKeys(schema: z.core.$ZodType, prefix = ''): readonly string[] {
  const tables = variants(schema);
  return tables.flatMap((table) => {
    const word = bare(child(table, 'type'));
    const label = tables.length > 1 && word instanceof z.ZodLiteral ? `(${String(word.def.values[0])})` : '';
    return Object.keys(table.shape).flatMap((key) => {
      const path = `${prefix}${label}${prefix === '' ? '' : '.'}${key}`;
      const inner = allKeys(child(table, key), path);
      return inner.length > 0 ? inner : [path];
    });
  });
}
