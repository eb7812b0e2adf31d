import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { EslPlayer } from '../../../adapters/freeswitch/player/player.ts';
import { loadScript } from '../../../adapters/freeswitch/player/script.ts';
import type { Scenario } from '../../support/recordings.ts';
import { within } from '../sip/moment.ts';
import type { SeenCall } from '../story.ts';
import { Gate } from './gate.ts';
import { gapsOf, knowable } from './truth.ts';

export const PASSWORD = 'recorded-event-socket';
/** How long the daemon takes to start and to connect, about: the play begins then. ms */
const START_MS = 1_500;
/** How long after a gap the daemon may be back: it tries more and more seldom. ms */
const LATE_MS = 6_000;
/** No chosen recording lasts longer, ms. */
const LONGEST_MS = 40_000;

/** One recording that is ready to be played: it begins when the daemon subscribes. */
export interface Play {
  readonly name: string;
  readonly title: string;
  readonly player: EslPlayer;
  /** The calls with a customer that the daemon can know. */
  readonly seen: readonly SeenCall[];
  /** Resolves when everything was sent. */
  readonly done: Promise<unknown>;
  /** Its `[[source]]` table. */
  source(secretFile: string): string;
  close(): Promise<void>;
}

/** The recorded times are moved by whole seconds, so that the calls happen now. */
export async function preparePlay(title: string, scenario: Scenario): Promise<Play> {
  const file = fileURLToPath(new URL('events.jsonl.gz', scenario.directory));
  const gaps = gapsOf((await loadScript(file)).connections);
  const shift = Math.round((Date.now() + START_MS - scenario.startedAt) / 1_000) * 1_000;
  const startAt = scenario.startedAt + shift;
  const player = new EslPlayer({ file, password: PASSWORD, startAt, freshIds: true });
  const gate = await Gate.open(
    await player.listen(),
    gaps.map(({ from, to }) => to - from),
  );
  const done = within(once(player, 'done'), `the end of the recording ${scenario.name}`, LONGEST_MS);
  // Whoever waits for it is told; when nobody does, something else has failed before.
  done.catch(() => undefined);
  return {
    name: scenario.name,
    title,
    player,
    seen: knowable(scenario, gaps, startAt, LATE_MS),
    done,
    source: (secretFile) =>
      [
        '[[source]]',
        'type = "freeswitch"',
        `name = "${scenario.name}"`,
        'host = "127.0.0.1"',
        `port = ${gate.port}`,
        `password_file = "${secretFile}"`,
        'country = "IN"',
      ].join('\n'),
    close: async () => {
      await gate.close();
      await player.close();
    },
  };
}
