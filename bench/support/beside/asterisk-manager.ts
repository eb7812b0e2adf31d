/** asterisk-manager in a process of its own: logs in to the port of argv and counts events. */
import createManager from 'asterisk-manager';

const manager = createManager(Number(process.argv[2]), '127.0.0.1', 'bench', 'bench', true);
let events = 0;
manager.on('rawevent', () => {
  events += 1;
});
process.on('message', () => process.send?.({ events }));
