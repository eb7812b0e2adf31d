/** All stories, in the order in which they are played. */
import type { Story } from '../story.ts';
import { access } from './access.ts';
import { found } from './calls.ts';
import { clean } from './clean.ts';
import { deaf } from './deaf.ts';
import { eyes } from './eyes.ts';
import { installed, removed } from './install.ts';
import { hopeless, journal } from './journal.ts';
import { parked } from './parked.ts';
import { longStart } from './start.ts';
import { refused, upgraded } from './upgrade.ts';

export const stories: readonly Story[] = [
  ...[installed, journal, hopeless, longStart],
  ...[deaf, parked, access, clean, eyes, found],
  ...[upgraded, refused, removed],
];
