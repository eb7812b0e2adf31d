/**
 * A network of its own for the daemon, joined to the rest by cables on which packets are lost without a word: nobody is told, no
 * connection is reset, and what waits to be sent is sent again by the system for as long as it likes.
 *
 * The servers stay where they are, on loopback addresses of this machine: the daemon has no loopback of its own, its packets to one
 * of these addresses go through the cable (`route_localnet`, Documentation/networking/ip-sysctl of Linux). Packets of a direction are
 * lost by a neighbour with a wrong MAC address, for which nothing but iproute2 is needed.
 */
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';

export class NoNamespace extends Error {}

/** Which directions of a cable are dead. */
export interface Loss {
  readonly fromDaemon: boolean;
  readonly toDaemon: boolean;
}

/** For benchmarks between networks (RFC 2544): no real network has these addresses. */
const NETWORK = '198.18';
const NOWHERE = '02:00:00:00:00:ff';

function ip(...words: readonly string[]): string {
  return execFileSync('ip', words, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
}

const made = new Set<string>();
process.once('exit', () => {
  for (const name of made) {
    try {
      ip('netns', 'del', name);
    } catch {
      // It is gone already.
    }
  }
});

/** One end of a cable. */
interface End {
  /** Before words of `ip`: in which namespace it is. */
  readonly where: readonly string[];
  readonly device: string;
  readonly address: string;
  readonly mac: string;
}

function endOf(where: readonly string[], device: string, address: string): End {
  const mac = /link\/ether (\S+)/.exec(ip(...where, 'link', 'show', device))?.[1];
  if (mac === undefined) throw new NoNamespace(`${device} has no address`);
  return { where, device, address, mac };
}

export class Cable {
  readonly #here: End;
  readonly #there: End;

  constructor(here: End, there: End) {
    this.#here = here;
    this.#there = there;
    this.lose({ fromDaemon: false, toDaemon: false });
  }

  lose({ fromDaemon, toDaemon }: Loss): void {
    neighbour(this.#there, this.#here, fromDaemon);
    neighbour(this.#here, this.#there, toDaemon);
  }
}

function neighbour({ where, device }: End, to: End, lost: boolean): void {
  const mac = lost ? NOWHERE : to.mac;
  ip(...where, 'neigh', 'replace', to.address, 'lladdr', mac, 'dev', device, 'nud', 'permanent');
}

export class Namespace {
  readonly name: string;
  /** A command in it begins with these words. */
  readonly under: readonly string[];
  #cables = 0;

  /** Throws `NoNamespace` with the reason where this machine does not let one be made. */
  constructor() {
    this.name = `lc${process.pid}-${randomInt(1_000_000)}`;
    this.under = ['ip', 'netns', 'exec', this.name];
    try {
      ip('netns', 'add', this.name);
    } catch (error) {
      throw new NoNamespace(`no network namespace can be made: ${saidBy(error)}`);
    }
    made.add(this.name);
  }

  /** The way to whoever listens on this loopback address of the machine. */
  cable(loopback: string): Cable {
    const device = `${this.name.replace('-', '')}`.slice(-11) + this.#cables++;
    const [here, there] = [`${device}h`, `${device}d`];
    const subnet = `${NETWORK}.${randomInt(256)}`;
    const first = 4 * randomInt(64);
    const inside = ['-n', this.name];
    try {
      ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', this.name);
      ip('addr', 'add', `${subnet}.${first + 1}/30`, 'dev', here);
      ip(...inside, 'addr', 'add', `${subnet}.${first + 2}/30`, 'dev', there);
      for (const [before, device] of [
        [[], here],
        [this.under, there],
      ] as const) {
        const [program = '', ...words] = [...before, 'sysctl', '-qw', `net.ipv4.conf.${device}.route_localnet=1`];
        execFileSync(program, words, { stdio: ['ignore', 'ignore', 'pipe'] });
      }
      ip('link', 'set', here, 'up');
      ip(...inside, 'link', 'set', there, 'up');
      ip(...inside, 'route', 'add', `${loopback}/32`, 'via', `${subnet}.${first + 1}`, 'src', `${subnet}.${first + 2}`);
    } catch (error) {
      throw new NoNamespace(`the daemon's network cannot be joined to this one: ${saidBy(error)}`);
    }
    return new Cable(endOf([], here, `${subnet}.${first + 1}`), endOf(inside, there, `${subnet}.${first + 2}`));
  }

  /** Its cables go with it. Nothing may run in it any more. */
  close(): void {
    ip('netns', 'del', this.name);
    made.delete(this.name);
  }
}

function saidBy(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr ?? '').trim() : '';
  return said === '' ? String(error) : said;
}
