/** Finds the line of a key in TOML text, for messages; the TOML parser keeps no positions. */
import { formatPath, type KeyPath } from './problem.ts';

/** Looks up a path; falls back to the nearest table above it, `null` when not even that is written. */
export type Locate = (path: KeyPath) => number | null;

/**
 * Reads headers (`[a.b]`, `[[a]]`) and `key = value` lines. Values over several lines are stepped over by counting
 * brackets outside of strings; keys inside inline tables are found at the line of the table.
 */
export function locator(toml: string): Locate {
  const lines = new Map<string, number>();
  const counts = new Map<string, number>();
  let table: string[] = [];
  let open = 0;
  for (const [index, raw] of toml.split('\n').entries()) {
    const line = withoutStrings(raw);
    if (open === 0) {
      const header = /^\s*(\[\[?)\s*([\w\s."'-]+?)\s*\]\]?/.exec(raw);
      const key = /^\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=/.exec(raw);
      if (header !== null) {
        table = numbered(names(header[2] ?? ''), header[1] === '[[', counts);
        note(lines, table, index + 1);
        continue;
      }
      if (key !== null) note(lines, [...table, ...names(key[1] ?? '')], index + 1);
    }
    open = Math.max(0, open + depth(line));
  }
  return (path) => {
    for (let length = path.length; length > 0; length -= 1) {
      const line = lines.get(formatPath(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return null;
  };
}

function names(dotted: string): string[] {
  return dotted.split('.').map((name) => name.trim().replace(/^["']|["']$/g, ''));
}

/** `source.trunk` to `source[1].trunk[0]`, as one string per step so that it joins like a parsed path. */
function numbered(path: readonly string[], array: boolean, counts: Map<string, number>): string[] {
  let text = '';
  return path.map((name, index) => {
    text = text === '' ? name : `${text}.${name}`;
    const last = index === path.length - 1;
    if (last && array) counts.set(text, (counts.get(text) ?? 0) + 1);
    const count = counts.get(text);
    if (count === undefined) return name;
    text = `${text}[${count - 1}]`;
    return `${name}[${count - 1}]`;
  });
}

function note(lines: Map<string, number>, path: readonly string[], line: number): void {
  const text = path.join('.');
  if (!lines.has(text)) lines.set(text, line);
}

function withoutStrings(line: string): string {
  return line.replace(/"(?:[^"\\]|\\.)*"|'[^']*'/g, '').replace(/#.*$/, '');
}

function depth(line: string): number {
  return [...line].reduce(
    (sum, letter) => sum + (letter === '[' || letter === '{' ? 1 : letter === ']' || letter === '}' ? -1 : 0),
    0,
  );
}
