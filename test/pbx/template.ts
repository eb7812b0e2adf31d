/** Fills in what stands between at-signs: `@PORT@`. Throws with the file's name for a word nothing is known about. */
export function fill(name: string, template: string, settings: Readonly<Record<string, string>>): string {
  return template.replace(/@([A-Z_]+)@/g, (_, key: string) => {
    const setting = settings[key];
    if (setting === undefined) throw new Error(`${name}: nothing is known as @${key}@`);
    return setting;
  });
}
