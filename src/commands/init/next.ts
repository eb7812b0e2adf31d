/** What `init` leaves to do: on the PBX, in its database, and here. */
import { createSocket } from 'node:dgram';
import { join } from 'node:path';
import type { FoundPbx } from './found.ts';
import { eventSocketLines, managerLines, placesOf, recordsSetup } from './pasted.ts';
import type { Target } from './place.ts';
import type { Secrets } from './secrets.ts';
import { type Answers, SECRETS, USERS } from './text.ts';

/** What is left to do, with the lines for the PBX. */
export async function sayNext(
  say: (line: string) => void,
  answers: Answers,
  pbx: FoundPbx | null,
  secrets: Secrets,
  target: Target,
): Promise<void> {
  const file = target.secretFile(SECRETS[answers.type]);
  // Where the output is kept by somebody, a secret has no place in it.
  const seen = process.stdout.isTTY === true;
  const shown = seen ? secrets.forPbx : `what stands in ${file}`;
  if (secrets.forPbx !== null && shown !== null) {
    const lines =
      answers.type === 'asterisk'
        ? managerLines(answers.username, shown, await seenFrom(answers.host))
        : eventSocketLines(shown);
    for (const line of ['', 'On the PBX:', '']) say(line);
    for (const line of lines) say(`    ${line}`);
    say('');
    for (const line of placesOf(answers, pbx?.product ?? null, answers.port)) say(line);
  }
  const password = secrets.written.get(SECRETS.records) ?? '';
  const setup = recordsSetup(
    answers.records,
    target,
    seen ? password : `what stands in ${target.secretFile(SECRETS.records)}`,
  );
  for (const line of setup.length > 0 ? ['', 'For its records of calls:', ...setup] : []) say(line);
  for (const line of ['', 'Next:']) say(line);
  const { here } = target;
  const sudo = here.service ? 'sudo ' : '';
  for (const id of secrets.missing)
    say(`  ${sudo}sh -c 'umask 077; cat > ${target.secretFile(id)}'    # paste the key, Enter, Ctrl-D`);
  say(
    `  ${here.edit(join(target.directory, USERS))}    # a line for each extension; then go on with the next line here`,
  );
  say(`  ${here.command('doctor')}`);
  say(here.service ? '  sudo systemctl enable --now logcalld' : `  ${here.start}    # until Ctrl-C`);
  say(`  ${here.command('status')}    # beside it: is it heard, and what became of the calls`);
}

/** The address of this machine by which it comes to the PBX; nothing is sent. */
function seenFrom(host: string): Promise<string> {
  return new Promise((done) => {
    const socket = createSocket('udp4');
    const answered = (address: string) => () => {
      done(address);
      socket.close();
    };
    socket.once('error', answered('THE-ADDRESS-OF-THIS-MACHINE'));
    socket.connect(9, host, () => answered(socket.address().address)());
  });
}
