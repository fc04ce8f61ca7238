/** Where the pages on other servers are. */

/** The page of them all. */
export const FEDERATION = '/admin/federation';

/** The address of the page on a domain. */
export const partnerPath = (domain: string): string =>
  `${FEDERATION}/with/${encodeURIComponent(domain)}`;
