/** The hosts of an address that never leaves this machine. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/**
 * The base URL of the API, ending in `/v2/`, from what an administrator writes: a bare host (`api-in21.leadsquared.com`), a
 * host with a port, or a URL with or without `/v2`.
 *
 * @param insecure allows plain HTTP to a host that is not loopback.
 * @throws Error with the remedy when it is none of these. The keys travel with each request, so plain HTTP is refused.
 */
export function apiBase(host: string, insecure: boolean): URL {
  const written = host.trim();
  let url: URL;
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(written) ? written : `https://${written}`);
  } catch {
    throw new Error(
      `The LeadSquared host "${written}" is no host name or URL: write it like api-in21.leadsquared.com.`,
    );
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new Error(`The LeadSquared host ${url.host} must not carry keys or a query: give the keys as credentials.`);
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new Error(
      `The LeadSquared host "${written}" must be reached by https: write it like api-in21.leadsquared.com.`,
    );
  }
  if (url.protocol === 'http:' && !insecure && !isLoopback(url.hostname)) {
    throw new Error(
      `The LeadSquared host "${written}" is plain HTTP, which would show the keys to the network: use https.`,
    );
  }
  url.pathname = `${url.pathname.replace(/\/(v2\/?)?$/, '')}/v2/`;
  return url;
}
