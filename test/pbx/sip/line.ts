import type { Header, SipRequest, SipResponse } from './message.ts';

/** What a call needs of the telephone it runs on. */
export interface Line {
  readonly name: string;
  readonly address: string;
  /** Host and port of the PBX. */
  readonly pbxHost: string;
  send(text: string): void;
  /** Sends a request (again with credentials when challenged) and resolves with the final answer. */
  transact(
    make: (login: readonly Header[]) => SipRequest,
    onProvisional?: (response: SipResponse) => void,
    ack?: (response: SipResponse) => SipRequest,
  ): Promise<SipResponse>;
}
