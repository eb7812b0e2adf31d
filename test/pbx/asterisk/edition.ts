import { join } from 'node:path';

const layer = (name: string): string => join(import.meta.dirname, 'conf', name);

/** One way to run Asterisk: of which package, with which drivers. The dialplan of the company is the same in all. */
export interface Edition {
  /** Name of the PBX in logcalld's config. */
  readonly name: string;
  /** What is said of it in the report. */
  readonly title: string;
  /** What `install.sh` calls the package; also the folder it is in. */
  readonly package: 'asterisk' | 'asterisk-16';
  /** Folders with templates of configuration files, see `configFiles`. */
  readonly layers: readonly string[];
  /** Channel technology of the telephones. */
  readonly phone: 'PJSIP' | 'SIP';
  /** Dial string of the trunk: what stands before the number, and what behind it. */
  readonly line: readonly [string, string];
  /** Channels of the trunk, as logcalld's config names them. */
  readonly trunk: string;
  /** True when the carrier is reached through a second Asterisk, by IAX2. */
  readonly gateway: boolean;
}

const company = [layer('common'), layer('company'), layer('cel')];

export const PJSIP: Edition = {
  name: 'asterisk',
  title: 'PJSIP',
  package: 'asterisk',
  layers: [...company, layer('pjsip')],
  phone: 'PJSIP',
  line: ['PJSIP/', '@trunk-out'],
  trunk: 'PJSIP/trunk-*',
  gateway: false,
};

/** The SIP driver before PJSIP, which many PBXs still run. Its channels have other names and another beginning. */
export const CHAN_SIP: Edition = {
  name: 'chan_sip',
  title: 'chan_sip',
  package: 'asterisk-16',
  layers: [...company, layer('chan_sip')],
  phone: 'SIP',
  line: ['SIP/trunk-out/', ''],
  trunk: 'SIP/trunk-*',
  gateway: false,
};

/** The telephones of the first edition; the carrier is another Asterisk. */
export const IAX2: Edition = {
  ...PJSIP,
  name: 'iax2',
  title: 'IAX2 trunk',
  layers: [...PJSIP.layers, layer('iax2')],
  line: ['IAX2/carrier/', ''],
  trunk: 'IAX2/carrier',
  gateway: true,
};

/** The telephones of the first edition; the PBX keeps its records everywhere that it can: see `records.ts`. */
export const RECORDS: Edition = {
  ...PJSIP,
  name: 'records',
  title: 'PJSIP, records in databases',
  layers: [...PJSIP.layers, layer('records')],
};

/** The carrier's end of the IAX2 trunk. */
export const GATEWAY_LAYERS: readonly string[] = [layer('common'), layer('pjsip'), layer('iax2'), layer('gateway')];

/** What the templates of an edition need to know of it. */
export function editionSettings({ phone, line }: Edition): Readonly<Record<string, string>> {
  return { PHONE: phone, LINE_HEAD: line[0], LINE_TAIL: line[1] };
}
