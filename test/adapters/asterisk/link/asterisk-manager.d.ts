/** The part of asterisk-manager 0.2.0 that serves as the oracle in tests and as the baseline in bench/. */
declare module 'asterisk-manager' {
  /** Names in lower case; repeated ones become arrays, variables become objects. */
  export type LoosePacket = Record<string, unknown>;
  interface Manager {
    on(event: 'rawevent', listener: (packet: LoosePacket) => void): void;
    disconnect(): void;
  }
  function create(port: number, host: string, username: string, password: string, events: boolean): Manager;
  export default create;
}
