/**
 * Patterns of the config that tell phones from trunks by the endpoint of a channel (`PJSIP/1001`, `sofia/external/...`).
 */

import { Lately } from './oldest.ts';

export interface EndpointMatch {
  /** Extension captured by `{ext}` or the group `ext`; `null` when the pattern has none. */
  readonly ext: string | null;
}

export interface EndpointPattern {
  /** The pattern as it was written. */
  readonly text: string;
  /** Compares the whole endpoint; `null` when it does not match. */
  match(endpoint: string): EndpointMatch | null;
}

/**
 * Compiles one pattern. Two forms:
 *
 * - glob: `*` stands for any run of characters, `{ext}` for the extension (no `/`, no `@`); all else is literal.
 *   Upper and lower case are the same, as Asterisk and FreeSWITCH write technology names in their own way.
 * - `/regex/` or `/regex/i` with an optional named group `ext`; it is not anchored, so write `^` and `$` where wanted.
 *
 * Throws an Error with one sentence when the text is neither.
 */
export function compilePattern(text: string): EndpointPattern {
  const expression = text.startsWith('/') ? regexOf(text) : globOf(text);
  const matches = new Lately<EndpointMatch | null>(REMEMBERED, (endpoint) => {
    const found = expression.exec(endpoint);
    return found === null ? null : { ext: found.groups?.ext ?? null };
  });
  return { text, match: (endpoint) => matches.get(endpoint) };
}

/** Endpoints are asked about with each event of a call, and a PBX has few that are used at a time. */
const REMEMBERED = 500;

/** The first of the patterns that matches, `null` when none does. */
export function firstMatch(patterns: readonly EndpointPattern[], endpoint: string): EndpointMatch | null {
  for (const pattern of patterns) {
    const match = pattern.match(endpoint);
    if (match !== null) return match;
  }
  return null;
}

function regexOf(text: string): RegExp {
  const form = /^\/(.+)\/(i?)$/s.exec(text);
  if (form === null) {
    throw new Error(`pattern ${text} begins with "/" but does not end with "/" or "/i"`);
  }
  try {
    return new RegExp(form[1] ?? '', form[2]);
  } catch (error) {
    throw new Error(
      `pattern ${text} is not a valid regular expression: ${error instanceof Error ? error.message : ''}`,
    );
  }
}

function globOf(text: string): RegExp {
  if (text === '') throw new Error('a pattern is empty');
  if (text.split('{ext}').length > 2) throw new Error(`pattern ${text} has {ext} more than once`);
  const odd = /[{}]/.exec(text.replace('{ext}', ''));
  if (odd !== null) throw new Error(`pattern ${text} has a "${odd[0]}"; the only name in braces is {ext}`);
  const body = text
    .split(/(\*+|\{ext\})/)
    .map((part) => {
      if (part === '{ext}') return '(?<ext>[^/@]+)';
      if (part.startsWith('*')) return '.*';
      return part.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
    })
    .join('');
  return new RegExp(`^${body}$`, 'is');
}
