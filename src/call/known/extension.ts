/** The extension of a phone, from the endpoint it has in the PBX. */
import type { ChannelFacts } from '../../telephony/call-event.ts';
import { firstMatch } from '../../telephony/endpoint.ts';
import type { SourcePlan } from '../plan.ts';

/**
 * By the pattern of the config, else by what the PBX names, else the user part of the endpoint. `meant`: extensions in whose name
 * the PBX called the phone, or that it shows as the caller.
 */
export function extensionOf(plan: SourcePlan, facts: ChannelFacts, meant: readonly string[]): string {
  const captured = firstMatch(plan.extensions, facts.endpoint)?.ext;
  const ext = captured ?? facts.extension ?? userOf(facts.endpoint);
  return browserTwinOf(plan, ext, meant) ?? ext;
}

/** The part of an endpoint that names who is there. */
export function userOf(endpoint: string): string {
  return endpoint.slice(endpoint.lastIndexOf('/') + 1);
}

/**
 * FreePBX gives an extension a second device for the browser, named 99 and the extension (module webrtc, prefix 99): `991001` is
 * 1001. But `99123` may be an extension of its own. What decides is the extension that the PBX itself means when it rings or
 * shows the device, then whether the config knows one of the two. Without any of this, extensions have three digits or more
 * and plans of five digits are rarer than those of three: a twin is assumed only where four digits or more follow the 99.
 */
function browserTwinOf(plan: SourcePlan, ext: string, meant: readonly string[]): string | null {
  const twin = /^99(\d{3,})$/.exec(ext)?.[1];
  if (twin === undefined) return null;
  if (meant.includes(twin)) return twin;
  if (meant.includes(ext)) return null;
  const known = new Set([...plan.owners.values(), ...plan.mobiles.values()]);
  if (known.has(ext)) return null;
  return known.has(twin) || twin.length >= 4 ? twin : null;
}
