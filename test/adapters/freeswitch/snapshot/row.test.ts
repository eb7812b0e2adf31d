/** What a row of the list of channels tells of a beginning. */
import t from 'tap';
import { readJson } from '../../../../adapters/freeswitch/link/event.ts';
import { rowEvent } from '../../../../adapters/freeswitch/snapshot/snapshot.ts';

const SECOND = 1_800_000_000;

function beginning(second: number, receivedAt: number): number | null | undefined {
  const row = { uuid: 'a', name: 'sofia/external/1', callstate: 'ACTIVE', created_epoch: String(second) };
  const reading = readJson(JSON.stringify(row));
  if ('problem' in reading) throw new Error(reading.problem);
  const event = rowEvent(reading.event, 'fs', receivedAt);
  return event?.kind === 'snapshot-channel' ? event.createdAt : undefined;
}

t.test('the middle of the second, as long as it is over', async (t) => {
  t.equal(beginning(SECOND, SECOND * 1000 + 9000), SECOND * 1000 + 500);
  t.equal(beginning(SECOND, SECOND * 1000 + 200), SECOND * 1000 + 200);
});

t.test('by the clock of FreeSWITCH, also where that is ahead', async (t) => {
  t.equal(beginning(SECOND + 7200, SECOND * 1000 + 9000), (SECOND + 7200) * 1000 + 500);
  t.equal(beginning(0, SECOND * 1000), null);
});
