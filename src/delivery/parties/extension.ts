/** An extension as a call names it. */
export interface Extension {
  readonly extension: string;
  readonly source: string;
  /** `null`: the PBX has no tenants, or the domain is not known. */
  readonly domain: string | null;
}

/** As people write it, `101` or `101@tenant.example`. */
export function nameOf({ extension, domain }: Pick<Extension, 'extension' | 'domain'>): string {
  return domain === null ? extension : `${extension}@${domain}`;
}
