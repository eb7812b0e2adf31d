/** Random lives of programs that stand still, hang, are killed and refused: no window ever holds more requests than the limit. */
import fc from 'fast-check';
import t from 'tap';
import type { PermitOffice } from '../../src/permits/permits.ts';
import { DEFAULT_LIMIT as LIMIT, onPermit } from '../../src/permits/port.ts';
import { worstWindow } from '../delivery/fakes.ts';
import { runs } from '../support/runs.ts';
import { Scene } from './support.ts';

/** One program. Who is killed sends and hears nothing any more. */
interface Program {
  readonly permits: PermitOffice;
  alive: boolean;
}

class Lives {
  readonly scene = new Scene();
  programs: Program[] = [];
  /** So many requests from now on get no answer. */
  hang = 0;
  /** The program stands still for so many ms between the look at the permit and the leaving of so many requests from now on. */
  gaps: number[] = [];

  async begin(concurrency: number, waiting: number): Promise<void> {
    const program = { permits: await this.scene.open({ concurrency }), alive: true };
    this.programs.push(program);
    const again = (): void => {
      this.request(program, 0).then(again, () => undefined);
    };
    for (let i = 0; i < waiting; i++) again();
  }

  /** `connectMs`: how long it waits for a connection when it has its permit. */
  async request(program: Program, connectMs: number): Promise<void> {
    const { clock } = this.scene;
    await onPermit(program.permits, { priority: 'live' }, async (leaves) => {
      if (connectMs > 0) await new Promise<void>((up) => clock.after(connectMs, up));
      if (!program.alive) return await new Promise<never>(() => undefined);
      if (!leaves()) return null;
      clock.block(this.gaps.shift() ?? 0);
      await this.scene.send();
      if (this.hang-- > 0) await new Promise(() => undefined);
      return {};
    });
  }

  kill(program: Program): void {
    program.alive = false;
    program.permits.close();
    this.programs = this.programs.filter((other) => other !== program);
  }

  /** The most requests in one window. */
  async end(): Promise<number> {
    await this.scene.clock.advance(3 * LIMIT.windowMs);
    for (const { permits } of this.programs) permits.close();
    this.scene.store.db.close();
    return worstWindow(this.scene.arrivals, LIMIT.windowMs);
  }
}

type Step = (lives: Lives) => Promise<void> | void;

/** What fast-check prints of a counterexample. */
function step(name: string, run: Step): Step {
  return Object.assign(run, { [fc.toStringMethod]: () => name });
}

const ms = fc.oneof(
  fc.integer({ min: 1, max: 200 }),
  fc.integer({ min: 200, max: 3000 }),
  fc.integer({ min: 3000, max: 40_000 }),
);
/** A step of one of the programs there are. */
const ofOne = (name: string, run: (lives: Lives, one: Program) => Promise<void> | void) =>
  fc.nat(2).map((n) =>
    step(`${name} of program ${n}`, (lives) => {
      const one = lives.programs[n % Math.max(1, lives.programs.length)];
      return one === undefined ? undefined : run(lives, one);
    }),
  );

const common = [
  {
    weight: 3,
    arbitrary: fc.integer({ min: 1, max: 30 }).chain((n) =>
      ofOne(`${n} requests`, (lives, one) => {
        for (let i = 0; i < n; i++) lives.request(one, 0).catch(() => undefined);
      }),
    ),
  },
  { weight: 6, arbitrary: ms.map((n) => step(`${n} ms pass`, ({ scene }) => scene.clock.advance(n))) },
  {
    weight: 3,
    arbitrary: fc.tuple(ms, fc.nat(30)).map(([n, steps]) =>
      step(`stands still for ${n} ms, ${steps} steps into a turn`, async ({ scene }) => {
        for (let i = 0; i < steps; i++) await null;
        scene.clock.block(n);
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: ms.map((n) =>
      step(`answers take ${n} ms`, (lives) => {
        lives.scene.latencyMs = n;
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 25 }).map((n) =>
      step(`no answers to the next ${n}`, (lives) => {
        lives.hang = n;
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 300 }).map((n) =>
      step(`commits take ${n} ms`, ({ scene }) => {
        scene.store.latencyMs = n;
      }),
    ),
  },
];

async function keeps(lives: Lives, steps: readonly Step[]): Promise<void> {
  for (const one of steps) await one(lives);
  const worst = await lives.end();
  if (worst > LIMIT.requests) throw new Error(`${worst} requests in one window`);
}

t.setTimeout(150_000);

t.test('programs that share the limit, killed and begun anew', async (t) => {
  const among = [
    ...common,
    { weight: 1, arbitrary: ofOne('kill', (lives, one) => lives.kill(one)) },
    {
      weight: 3,
      arbitrary: ofOne('restart', (lives, one) => {
        lives.kill(one);
        return lives.begin(50, 40);
      }),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(10, 50), fc.integer({ min: 1, max: 40 }))
        .map(([concurrency, waiting]) =>
          step(`a program with ${waiting} requests, ${concurrency} at once`, (lives) =>
            lives.programs.length < 3 ? lives.begin(concurrency, waiting) : undefined,
          ),
        ),
    },
    {
      weight: 3,
      arbitrary: fc.integer({ min: 1, max: 3000 }).chain((n) =>
        ofOne(`request that waits ${n} ms for its connection`, (lives, one) => {
          lives.request(one, n).catch(() => undefined);
        }),
      ),
    },
    {
      weight: 1,
      arbitrary: fc
        .record({ limit: fc.constantFrom(null, 10, 20), windowMs: fc.constantFrom(null, 1000, 10_000) })
        .chain((told) => ofOne('refusal', (_, { permits }) => permits.refused({ ...told, retryAfterMs: null }))),
    },
    { weight: 1, arbitrary: ofOne('resume', (_, { permits }) => permits.resume()) },
  ];
  const script = fc.array(fc.oneof(...among), { minLength: 1, maxLength: 40, size: 'max' });
  await fc.assert(
    fc.asyncProperty(script, fc.nat(2), async (steps, others) => {
      const lives = new Lives();
      await lives.begin(50, 30);
      for (let i = 0; i < others; i++) await lives.begin(10, 6);
      await lives.scene.clock.advance(LIMIT.windowMs + 500);
      await keeps(lives, steps);
    }),
    runs(12, 150),
  );
  t.pass();
});

t.test('one life that stands still between the look and the leaving of its requests', async (t) => {
  const gaps = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: ms }), {
    maxLength: 6,
  });
  const among = [
    ...common,
    {
      weight: 3,
      arbitrary: gaps.map((list) =>
        step(`requests that leave ${list.join()} ms late`, (lives) => {
          lives.gaps = [...list];
        }),
      ),
    },
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(...among), { minLength: 1, maxLength: 30, size: 'max' }),
      fc.integer({ min: 1, max: 60 }),
      async (steps, waiting) => {
        const lives = new Lives();
        await lives.begin(50, waiting);
        await lives.scene.clock.advance(LIMIT.windowMs + 500);
        await keeps(lives, steps);
      },
    ),
    runs(12, 150),
  );
  t.pass();
});
