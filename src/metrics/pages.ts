/** What may be looked at by HTTP: plain answers to a GET, for a scraper and for whoever watches whether the daemon lives. */

export interface Page {
  /** As in HTTP. */
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export const PAGE_PATHS = ['/metrics', '/livez', '/readyz'] as const;
export type PagePath = (typeof PAGE_PATHS)[number];

export type Pages = Readonly<Record<PagePath, () => Promise<Page>>>;
