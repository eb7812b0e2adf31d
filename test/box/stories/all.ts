/** All stories, in the order in which they are played. */
import type { Story } from '../story.ts';
import { expect } from '../story.ts';

/** What the other stories rest on. */
const booted: Story = {
  name: 'a box is a Debian of its own',
  async play(box) {
    expect((await box.must('systemctl is-system-running')) === 'running\n', 'all units are up', '');
    const ran = await box.run('cat; exit 3', { input: 'given' });
    expect(ran.code === 3 && ran.out === 'given', 'output and exit status come back', ran);
  },
};

export const stories: readonly Story[] = [booted];
