/** Lines of Asterisk's own config without which calls are not recorded, or not wholly: for hints. */

export const CEL_EVENTS =
  'events=CHAN_START,CHAN_END,ANSWER,HANGUP,APP_START,BRIDGE_ENTER,BRIDGE_EXIT,PARK_START,PARK_END,BLINDTRANSFER,ATTENDEDTRANSFER,PICKUP,FORWARD,LOCAL_OPTIMIZE,LINKEDID_END and apps=dial,queue,park,mixmonitor,voicemail,confbridge.';

/** FreePBX makes cel.conf anew, and includes cel_general_custom.conf in its [general]. */
export const CEL_GENERAL =
  'In cel.conf [general] (FreePBX: cel_general_custom.conf) set enable=yes and events=ALL, then "module reload cel".';

/** Commands of Asterisk's console after a change of cdr.conf: of its [general], and of its [csv]. */
export const RELOADS = { cdr: 'module reload cdr', csv: 'module reload cdr_csv.so' } as const;

export const CDR_GENERAL = `calls that reached no phone may leave no row: set unanswered=yes and congestion=yes in cdr.conf [general] (it is well when both are set), then "${RELOADS.cdr}".`;

/** cdr_csv leaves out by default what ties the rows of a call together. */
export const CDR_CSV = `set loguniqueid=yes, newcdrcolumns=yes, loguserfield=yes and usegmtime=yes in cdr.conf [csv], then "${RELOADS.csv}"`;

const quotedCdr = (name: string): string => `\${CSV_QUOTE(\${CDR(${name})})}`;

/** The layout that `csv.ts` knows for cdr_custom. */
export const CDR_CUSTOM = `In cdr_custom.conf [mappings] write, in one line, calls.csv => ${(
  'clid src dst dcontext channel dstchannel lastapp lastdata start answer end duration billsec disposition amaflags accountcode ' +
  'peeraccount uniqueid linkedid sequence did recordingfile'
)
  .split(' ')
  .map(quotedCdr)
  .join(',')} and name that file (cdr-custom/calls.csv) in cdr_file.`;

export const CEL_CUSTOM =
  'Set enable=yes and events=ALL in cel.conf [general], take the ";" off the mapping Master.csv in cel_custom.conf, "module reload cel" and "module load cel_custom.so", and name cel-custom/Master.csv in cel_file.';
