/** `[page]`: the page for a browser. Every default is explained in logcalld.example.toml. */
import { z } from 'zod';
import type { SecretRef } from '../src/secret.ts';
import { credential, file, inlineSecret, loopback, optional, text } from './values.ts';

const HOST_EXPECTED = "a host name as browsers send it, e.g. 'logcalld.example.com' or 'logcalld.example.com:8443'";

export const page = z.strictObject({
  /** `null`: there is no page. */
  listen: optional(loopback),
  hosts: z
    .array(
      text(HOST_EXPECTED)
        .regex(/^[a-z\d](?:[a-z\d.-]*[a-z\d])?(?::\d{1,5})?$/i, { error: HOST_EXPECTED })
        .transform((name) => name.toLowerCase()),
      { error: "a list of host names, e.g. ['logcalld.example.com']" },
    )
    .default([]),
  token_credential: credential.default('page-token'),
  token_file: optional(file),
  token: inlineSecret,
});

/** Where the token is to be found that opens the page. */
export function pageSecret(of: {
  readonly token_credential: string;
  readonly token_file: string | null;
  readonly token: SecretRef['inline'];
}): SecretRef {
  return {
    what: 'token of the page',
    credential: of.token_credential,
    file: of.token_file,
    fileKey: 'page.token_file',
    inline: of.token,
  };
}
