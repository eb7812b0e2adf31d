/** The stories, in the order in which they are played. */

import { noBrowser } from '../../page/browser.ts';
import type { Story } from '../story.ts';
import { crashes } from './crashes.ts';
import { faults } from './faults.ts';
import { gaps } from './gaps.ts';
import { hearing } from './hearing.ts';
import { inbound } from './inbound.ts';
import { internal } from './internal.ts';
import { outbound } from './outbound.ts';
import { page } from './page.ts';
import { privacy } from './privacy.ts';
import { transfers } from './transfer.ts';

export const everything: readonly Story[] = [...inbound, ...transfers, ...outbound, ...internal, ...faults, ...gaps];

/** On a PBX that has rights, whose process can be killed, and whose records tell of calls that were cut off. */
export const everythingAndCrashes: readonly Story[] = [
  ...everything,
  ...privacy,
  ...hearing,
  ...crashes,
  // Where there is no browser, `run.ts` says so.
  ...(noBrowser === null ? page : []),
];

/** The same on an older Asterisk: what it counts differs, filters and probes do not. */
export const everythingOnOld: readonly Story[] = [...everything, ...hearing.slice(0, 1), ...crashes];

/** Those that show what a trunk does to a call; what happens inside the company is the same with every trunk. */
export const throughTheTrunk: readonly Story[] = [...inbound, ...outbound, ...gaps].filter(({ name }) =>
  /^(inbound|outbound|gap)/.test(name),
);
