import { EXTENSIONS, type Extension } from './pbx.ts';
import { Phone } from './sip/phone.ts';

/** The carrier's addresses: it places calls from the first and takes them at the second. */
const CALLER_ADDRESS = '127.0.0.2';
const CALLEE_ADDRESS = '127.0.0.3';

/** Where the PBX listens for SIP: UDP ports of 127.0.0.1. */
export interface SipPorts {
  readonly phones: number;
  readonly trunk: number;
}

/** Every telephone around the PBX. */
export interface Phones {
  readonly caller: Phone;
  readonly callee: Phone;
  phone(extension: Extension): Phone;
  /** Registers the telephones of the house. */
  register(): Promise<void>;
  close(): void;
}

export async function openPhones(ports: SipPorts, password: string): Promise<Phones> {
  const carrier = (name: string, address: string): Promise<Phone> =>
    Phone.open({ name, user: 'carrier', address, pbx: { address: '127.0.0.1', port: ports.trunk } });
  const caller = await carrier('caller', CALLER_ADDRESS);
  const callee = await carrier('callee', CALLEE_ADDRESS);
  const phones = new Map<Extension, Phone>();
  for (const extension of EXTENSIONS) {
    const phone = await Phone.open({
      name: `phone ${extension}`,
      user: extension,
      address: '127.0.0.1',
      pbx: { address: '127.0.0.1', port: ports.phones },
      credentials: { username: extension, password },
    });
    phones.set(extension, phone);
  }
  return {
    caller,
    callee,
    phone: (extension) => {
      const phone = phones.get(extension);
      if (!phone) throw new Error(`there is no telephone ${extension}`);
      return phone;
    },
    register: async () => {
      await Promise.all([...phones.values()].map((phone) => phone.register()));
    },
    close: () => {
      for (const phone of [caller, callee, ...phones.values()]) phone.close();
    },
  };
}
