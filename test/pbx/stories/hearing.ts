/** An AMI user whose rights or whose filter let no event of a call through: calls are noticed all the same, and logged. */
import { COMPANY, type PbxRights } from '../pbx.ts';
import { bothEnded } from '../sip/call.ts';
import { talkFor } from '../sip/moment.ts';
import { answeredInbound, inboundCall, type Lab, type SeenCall, type Story, TALK_MS } from '../story.ts';

/** Two looks at the counts, on a machine that is busy, ms. */
const NOTICED_MS = 30_000;
/** The records are looked at every quarter of a minute meanwhile, ms. */
const LOGGED_MS = 45_000;
/** The login is done anew as often, ms. */
const RENEWED_MS = 45_000;

export const hearing: readonly Story[] = [
  {
    name: 'deaf: the user may read "system" only, until that is corrected',
    play: (lab) => deafAndMended(lab, ['read = system', 'write = reporting']),
  },
  {
    name: 'deaf: an eventfilter lets nothing of calls through, until that is corrected',
    play: (lab) =>
      deafAndMended(lab, [
        'read = system,call,agent,cdr',
        'write = reporting',
        'eventfilter = ^Event: (FullyBooted|Shutdown)',
      ]),
  },
  { name: 'deaf: check-config --probe tells it before any call, and the daemon logs none of it', play: probed },
];

function rightsOf(lab: Lab): PbxRights {
  if (lab.pbx.rights === null) throw new Error('nobody can take rights away at this PBX');
  return lab.pbx.rights;
}

async function deafAndMended(lab: Lab, lines: readonly string[]): Promise<readonly SeenCall[]> {
  const rights = rightsOf(lab);
  await rights.set(lines);
  try {
    await loggedInAnew(lab);
    const customer = lab.newNumber();
    const noticed = lab.daemon.says(/"event":"pbx-deaf"/, NOTICED_MS);
    const unheard = await answeredInbound(lab, COMPANY.direct, '1001', customer);
    await noticed;
    // From the records alone, or seen in a list and completed from the records: that it is true is compared below.
    const logged = lab.daemon.says(/"event":"call-logged"/, LOGGED_MS);
    await unheard.caller.hangUp();
    await bothEnded(unheard.caller, unheard.agent);
    await expectStatus(lab, 1, [
      /^Something needs attention\./,
      /\[logcalld\] lacks "call" in its line "read"/,
      /^ +read = system,call,agent,cdr,user$/m,
    ]);
    await logged;

    const renewed = lab.link.nextCaughtUp(RENEWED_MS);
    await rights.set(null);
    await renewed;
    const over = lab.daemon.says(/"event":"pbx-deaf","[^\n]*Over: /, NOTICED_MS);
    const { caller, agent } = await answeredInbound(lab, COMPANY.direct, '1001', customer);
    await over;
    await talkFor(TALK_MS);
    await caller.hangUp();
    await bothEnded(caller, agent);
    await expectStatus(lab, 0, [/^Every call is being logged( since \S+ \S+)?\./]);
    // The time is told later on, too.
    expectText((await lab.daemon.command(['gaps'])).out, [/told nothing of its calls/]);
    return [
      inboundCall('Answered', unheard.caller, ['1001'], unheard.agent),
      inboundCall('Answered', caller, ['1001'], agent),
    ];
  } finally {
    await rights.set(null);
    await loggedInAnew(lab);
  }
}

async function probed(lab: Lab): Promise<readonly SeenCall[]> {
  const rights = rightsOf(lab);
  const full = ['read = system,call,agent,cdr', 'write = reporting'];
  try {
    // Nobody may place a channel: it says how to do it by hand, and hears that.
    await rights.set(full);
    const placed: Promise<string>[] = [];
    const byHand = await lab.daemon.command(['check-config', '--probe'], (text) => {
      const command = /: (asterisk -rx '.*')$/m.exec(text)?.[1];
      if (command !== undefined && placed.length === 0) placed.push(rights.byHand(command));
    });
    await Promise.all(placed);
    expectText(byHand.out, [
      /add "originate" to its line "write"/,
      /^ok +hearing of \S+ +events of calls come through/m,
    ]);
    await rights.set([...full.slice(0, 1), 'write = reporting,originate']);
    expectText((await lab.daemon.command(['check-config', '--probe'])).out, [
      /^ok +hearing of \S+ +events of calls come through/m,
    ]);
    await rights.set(['read = system', 'write = reporting,originate']);
    const deaf = await lab.daemon.command(['check-config', '--probe']);
    expectText(deaf.out, [/^FAIL +hearing of .*lacks "call"/m, /^ +read = system,call,agent,cdr,user$/m]);
    if (deaf.code !== 1) throw new Error(`check-config ended with ${deaf.code} though nothing is heard`);
    await rights.set([...full.slice(0, 1), 'write = reporting,originate', 'eventfilter = !^Event: Newchannel']);
    expectText((await lab.daemon.command(['check-config', '--probe'])).out, [
      /^FAIL +hearing of .*not the beginnings/m,
    ]);
  } finally {
    await rights.set(null);
  }
  // The daemon has heard the channels that were placed, and made no call of them.
  const { caller, agent } = await answeredInbound(lab, COMPANY.direct, '1001');
  await talkFor(TALK_MS);
  await caller.hangUp();
  await bothEnded(caller, agent);
  return [inboundCall('Answered', caller, ['1001'], agent)];
}

/** Rights are those of the login. What the PBX counts is asked first of all: a call from before that would show by its end only. */
async function loggedInAnew(lab: Lab): Promise<void> {
  lab.link.cut();
  const counted = lab.link.passes(/^CoreCurrentCalls: /m);
  await lab.link.repair();
  await counted;
}

async function expectStatus(lab: Lab, code: number, texts: readonly RegExp[]): Promise<void> {
  const status = await lab.daemon.command(['status']);
  expectText(status.out, texts);
  if (status.code !== code) throw new Error(`status ended with ${status.code}, not ${code}:\n${status.out}`);
}

function expectText(out: string, texts: readonly RegExp[]): void {
  const missing = texts.filter((text) => !text.test(out));
  if (missing.length > 0) throw new Error(`${missing.join(' and ')} is missing in:\n${out}`);
}
