/** All stories, in the order in which they are played. */
import type { Story } from '../story.ts';
import { installed, removed } from './install.ts';
import { hopeless, journal } from './journal.ts';
import { longStart } from './start.ts';
import { refused, upgraded } from './upgrade.ts';

export const stories: readonly Story[] = [installed, journal, hopeless, longStart, upgraded, refused, removed];
