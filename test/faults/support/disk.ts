/** File systems of their own for a database: one that can lose its power, one that can be full. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { scratch } from '../../../bench/support/process.ts';

const run = (program: string, ...words: readonly string[]): void => {
  execFileSync(program, words, { stdio: ['ignore', 'ignore', 'pipe'] });
};

const mounted = new Set<string>();
process.once('exit', () => {
  for (const path of mounted) {
    try {
      run('umount', '-l', path);
    } catch {
      // It is gone already.
    }
  }
});

function mount(path: string, ...words: readonly string[]): void {
  run('mount', ...words, path);
  mounted.add(path);
}

function unmount(path: string): void {
  run('umount', path);
  mounted.delete(path);
}

/** An ext4 of its own in a file. */
export class PowerDisk {
  readonly path: string;
  readonly #image: string;

  constructor(megabytes = 128) {
    const folder = scratch();
    this.#image = join(folder, 'disk');
    this.path = join(folder, 'mounted');
    mkdirSync(this.path);
    run('fallocate', '-l', `${megabytes}M`, this.#image);
    run('mkfs.ext4', '-q', '-F', this.#image);
    this.#mount();
  }

  #mount(): void {
    mount(this.path, '-o', 'loop', this.#image);
  }

  /**
   * What was not synced is gone, as at a power cut: the file system shuts down without writing its log (EXT4_IOC_SHUTDOWN with
   * EXT4_GOING_FLAGS_NOLOGFLUSH, fs/ext4/ext4.h; xfstests' `godown -f` does the same). Nothing can be written any more.
   */
  cut(): void {
    const call = 'my $flag = pack("L", 2); open(my $f, "<", $ARGV[0]) or die; ioctl($f, 0x8004587d, $flag) or die';
    run('perl', '-e', call, this.path);
  }

  /** The power is back: mounted again, which plays back the log of the file system. Nobody may have a file of it open. */
  back(): void {
    unmount(this.path);
    this.#mount();
  }

  close(): void {
    unmount(this.path);
  }
}

/** A small file system in memory. */
export class SmallDisk {
  readonly path: string;
  readonly #ballast: string;

  constructor(megabytes: number) {
    this.path = join(scratch(), 'mounted');
    this.#ballast = join(this.path, 'ballast');
    mkdirSync(this.path);
    mount(this.path, '-t', 'tmpfs', '-o', `size=${megabytes}m`, 'none');
  }

  /** Somebody else takes all the space there is. */
  fill(): void {
    const file = openSync(this.#ballast, 'a');
    try {
      for (const piece = Buffer.alloc(4096); ; ) writeSync(file, piece);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    } finally {
      closeSync(file);
    }
  }

  free(): void {
    rmSync(this.#ballast, { force: true });
  }

  close(): void {
    unmount(this.path);
  }
}
