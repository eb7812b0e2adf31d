/** What the player answers to `api` commands: as recorded where the recording has it, else from the events played so far. */
import type { EslEvent } from '../link/event.ts';
import { readJson } from '../link/event.ts';
import type { RecordedConnection } from './script.ts';

/** The live channels by what was played, and the recorded answers of the present connection. */
export class Answers {
  #live = new Map<string, EslEvent>();
  #recordedList: string | null = null;
  #recordedDumps = new Map<string, string>();
  #status: string | null = null;
  #coreUuid: string | null = null;

  /** A connection begins: its recorded answers hold until the first event is played. `text` rewrites what is recorded. */
  begin(connection: RecordedConnection, text: (recorded: string) => string): void {
    this.#recordedList = null;
    this.#recordedDumps = new Map();
    this.#status = null;
    this.#coreUuid = null;
    for (const answer of connection.answers.map(text)) {
      const reading = readJson(answer);
      const event = 'event' in reading ? reading.event : null;
      const uuid = event?.get('Unique-ID');
      if (event?.name === 'CHANNEL_DATA' && uuid !== undefined) {
        this.#recordedDumps.set(uuid, answer);
        this.#coreUuid ??= event.get('Core-UUID') ?? null;
      } else if (event?.get('row_count') !== undefined && !/"(?:b_uuid|reg_user)":/.test(answer)) {
        this.#recordedList ??= answer;
      } else if (/^UP \d+ year/.test(answer)) this.#status ??= answer;
    }
    // What ended during a gap is known only by the list after it.
    if (this.#recordedList !== null) this.#live = new Map();
    for (const [uuid, answer] of this.#recordedDumps) {
      const reading = readJson(answer);
      if ('event' in reading) this.#live.set(uuid, reading.event);
    }
  }

  /** The live channels: a client that resynchronises asks for the dump of each before it is up to date. */
  get liveUuids(): readonly string[] {
    return [...this.#live.keys()];
  }

  /** Takes note of an event that has been played. */
  played(event: EslEvent): void {
    this.#recordedList = null;
    this.#recordedDumps.clear();
    this.#coreUuid = event.get('Core-UUID') ?? this.#coreUuid;
    const uuid = event.get('Unique-ID');
    if (uuid === undefined || !event.name.startsWith('CHANNEL_')) return;
    if (event.name === 'CHANNEL_HANGUP_COMPLETE' || event.name === 'CHANNEL_DESTROY') this.#live.delete(uuid);
    else if (this.#live.has(uuid) || event.name === 'CHANNEL_CREATE') this.#live.set(uuid, event);
  }

  /** Sets what `global_getvar core_uuid` says before any event of the connection has been played. */
  announce(coreUuid: string | null): void {
    this.#coreUuid ??= coreUuid;
  }

  /** The body of the answer to an API command (without the word `api`). */
  answer(command: string): string {
    const [word = '', argument = ''] = command.split(/\s+/);
    if (command === 'show channels as json') return this.#recordedList ?? this.#list();
    if (word === 'uuid_dump') return this.#recordedDumps.get(argument) ?? this.#dump(argument);
    if (command === 'global_getvar core_uuid') return this.#coreUuid ?? '';
    if (word === 'status' && this.#status !== null) return this.#status;
    return `-ERR ${word} Command not found!\n`;
  }

  #list(): string {
    if (this.#live.size === 0) return '{"row_count": 0}\n';
    const rows = [...this.#live].map(([uuid, event]) => ({
      uuid,
      direction: event.get('Call-Direction') ?? '',
      created_epoch: String(Math.floor(Number(event.get('Caller-Channel-Created-Time') ?? 0) / 1e6)),
      name: event.get('Channel-Name') ?? '',
      state: event.get('Channel-State') ?? '',
      cid_num: event.get('Caller-Caller-ID-Number') ?? '',
      dest: event.get('Caller-Destination-Number') ?? '',
      callstate: event.get('Channel-Call-State') ?? '',
      call_uuid: event.get('Channel-Call-UUID') ?? '',
    }));
    return JSON.stringify({ row_count: rows.length, rows });
  }

  #dump(uuid: string): string {
    const event = this.#live.get(uuid);
    if (event === undefined) return '-ERR No such channel!\n';
    const headers = event.names().map((name) => {
      const values = event.list(name);
      return [name, values.length === 1 ? values[0] : values] as const;
    });
    return JSON.stringify(Object.fromEntries([...headers, ['Event-Name', 'CHANNEL_DATA']]));
  }
}
