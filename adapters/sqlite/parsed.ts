/** JSON that this program wrote, as it is read again. */

/** `null` for what cannot be read, by a fault of the disk or by somebody's hand: it costs that row alone, never a start. */
export function parsed<T>(json: string): T | null {
  try {
    return JSON.parse(json) as T;
  } catch {
    return null;
  }
}
