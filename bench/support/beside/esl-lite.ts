/** esl-lite in a process of its own: logs in to the port of argv and counts events of calls. */
import { FreeSwitchClient } from 'esl-lite';

const logger = { child: () => logger, trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {} };
const client = new FreeSwitchClient({ host: '127.0.0.1', port: Number(process.argv[2]), password: 'bench', logger });
let events = 0;
for (const name of [
  'CHANNEL_CREATE',
  'CHANNEL_ANSWER',
  'CHANNEL_BRIDGE',
  'CHANNEL_HANGUP_COMPLETE',
  'HEARTBEAT',
] as const) {
  client.on(name, () => {
    events += 1;
  });
}
process.on('message', () => process.send?.({ events }));
