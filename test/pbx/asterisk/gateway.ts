/** The carrier as an Asterisk of its own: its telephones reach it by SIP, the company's PBX by an IAX2 trunk. */
import { randomBytes } from 'node:crypto';
import { freeUdpPort } from '../ports.ts';
import { GATEWAY_LAYERS } from './edition.ts';
import { type Instance, startInstance } from './instance.ts';

/** Both ends of the trunk; the names are also the user names. */
export interface Trunk {
  readonly company: number;
  readonly carrier: number;
  readonly secret: string;
}

export async function newTrunk(): Promise<Trunk> {
  return { company: await freeUdpPort(), carrier: await freeUdpPort(), secret: randomBytes(9).toString('hex') };
}

/** What the templates call the trunk at one of its ends. */
export function trunkSettings(trunk: Trunk, self: 'company' | 'carrier'): Readonly<Record<string, string>> {
  const other = self === 'company' ? 'carrier' : 'company';
  return {
    IAX: String(trunk[self]),
    IAX_SELF: self,
    IAX_OTHER: other,
    IAX_OTHER_PORT: String(trunk[other]),
    IAX_SECRET: trunk.secret,
  };
}

/** `sip` and `callee`: UDP ports where it listens for the carrier's telephones, and where the one that is called listens. */
export function startGateway(chroot: string, trunk: Trunk, sip: number, callee: number): Promise<Instance> {
  return startInstance(chroot, GATEWAY_LAYERS, {
    SIP: String(sip),
    CARRIER: String(callee),
    ...trunkSettings(trunk, 'carrier'),
  });
}
