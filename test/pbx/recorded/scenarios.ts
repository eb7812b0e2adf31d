/** One recording of a real FreeSWITCH under test/fixtures/recordings/freeswitch-1.11. */
export interface Recorded {
  /** Folder of the recording; also the name of its `[[source]]`. */
  readonly scenario: string;
  readonly title: string;
}

/** What is played where no FreeSWITCH is installed: one recording, or few, of each kind of call. */
export const recorded: readonly Recorded[] = [
  { scenario: 'in_answered_caller_hangup', title: 'inbound answered' },
  { scenario: 'in_abandoned_ringing', title: 'inbound abandoned while ringing' },
  { scenario: 'in_agent_busy', title: 'inbound busy' },
  { scenario: 'in_noanswer_voicemail', title: 'inbound to voicemail' },
  { scenario: 'queue_answered', title: 'queue answered' },
  { scenario: 'queue_abandoned', title: 'queue abandoned' },
  { scenario: 'followme_desk_answers', title: 'follow-me, the desk answers' },
  { scenario: 'conference_3', title: 'two customers, one agent, a conference' },
  { scenario: 'blind_refer', title: 'blind transfer (REFER)' },
  { scenario: 'attended_refer', title: 'attended transfer (REFER)' },
  { scenario: 'att_xfer_feature', title: 'attended transfer (att_xfer)' },
  { scenario: 'out_answered', title: 'outbound answered' },
  { scenario: 'out_busy', title: 'outbound busy' },
  { scenario: 'out_cancelled', title: 'outbound cancelled' },
  { scenario: 'click2call_bridge', title: 'click-to-call' },
  { scenario: 'esl_reconnect_midcall', title: 'event link lost in mid-call' },
  { scenario: 'crash_midcall', title: 'FreeSWITCH killed in mid-call' },
];
