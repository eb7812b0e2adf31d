/** What is to be done where a file of mod_cdr_csv cannot be read. */
import { isDenied } from '../folder.ts';

/** Why a file cannot be read, in one sentence with the remedy. */
export function fileProblem(file: string, code: string): string {
  if (code === 'ENOENT') {
    return (
      `${file}: is not there; see that modules.conf.xml has <load module="mod_cdr_csv"/>, and that log-base in ` +
      'cdr_csv.conf.xml is the folder above cdr-csv.'
    );
  }
  if (code === 'EISDIR') return `${file}: is a folder; name the file in it, e.g. Master.csv.`;
  if (!isDenied(code)) return `${file}: cannot be read (${code}).`;
  // A file that is made with 0600 has a mask that lets nobody in, whatever the default ACL of its folder says.
  return (
    `${file}: cannot be read (${code}); allow it: setfacl -m u:logcalld:r ${file}, and again after each rotation ` +
    '(postrotate of logrotate, or a timer), as FreeSWITCH makes the file anew, for its own user alone.'
  );
}
