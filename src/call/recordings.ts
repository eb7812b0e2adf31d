/** The recordings of one call: a call may be recorded in parts, and a PBX may name one file in several ways. */

/** Flag of a record: the call was recorded, and the PBX has not told the name of the file. */
export const UNNAMED = 'recording-unnamed';

/** The flags of a call of which these recordings are known by name. */
export function flagsWith(recordings: readonly string[], flags: readonly string[]): readonly string[] {
  return recordings.length === 0 ? flags : flags.filter((flag) => flag !== UNNAMED);
}

/**
 * The files in the order given, each once. A name that is the end of a longer path is the same file: a PBX tells the whole
 * path when it records and only the name in its call records.
 */
export function distinctRecordings(files: readonly string[]): string[] {
  const kept: string[] = [];
  for (const file of files) if (!kept.some((one) => sameRecording(one, file))) kept.push(file);
  return kept;
}

function sameRecording(a: string, b: string): boolean {
  const within = (long: string, short: string) => long.endsWith(short.startsWith('/') ? short : `/${short}`);
  return a === b || within(a, b) || within(b, a);
}
