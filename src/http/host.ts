/** Which domain a request is for. */
import { type Domain, parseDomain } from '../jid/jid.ts';

/** The domain that a `Host` header names, whatever the port; undefined where it names none. */
export function domainOfHeader(header: string | undefined): Domain | undefined {
  const parsed = parseDomain((header ?? '').replace(/:\d+$/, ''));
  return parsed.ok ? parsed.value : undefined;
}
