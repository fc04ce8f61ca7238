/** The kinds of values that the server's own operations take and give, beside those that all operations have. */
import { z } from 'zod';
import { type DomainPattern, parseDomainPattern } from '../config/federation.ts';
import { loneOf, parseDuration } from '../config/fields.ts';
import { kind } from '../core/operation-fields.ts';
import {
  type BareJid,
  localOf,
  parseBare,
  parseDomain,
  parseJid,
  preparePassword,
} from '../jid/jid.ts';

export {
  bytes,
  confirmed,
  hidden,
  kind,
  level,
  limit,
  offset,
  seconds,
  time,
  verdict,
  wholeText,
} from '../core/operation-fields.ts';

/** The longest text that can be an address (RFC 7622 §3.1: three parts of 1023 bytes). */
const MAX_ADDRESS = 3071;

type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string };

function address<T extends string>(parse: (raw: string) => Outcome<T>) {
  return z
    .string()
    .max(MAX_ADDRESS)
    .transform((raw, context): T => {
      const parsed = parse(raw.trim());
      if (parsed.ok) return parsed.value;
      context.addIssue({ code: 'custom', message: `'${raw}' is not an address: ${parsed.why}` });
      return z.NEVER;
    });
}

/** The JID of an account: bare, with a localpart. */
export const accountJid = z
  .string()
  .max(MAX_ADDRESS)
  .transform((raw, context): BareJid => {
    const parsed = parseBare(raw.trim());
    if (parsed.ok && localOf(parsed.value) !== '') return parsed.value;
    const why = parsed.ok ? 'an account needs a name, such as joe@falcot.com' : parsed.why;
    const message = `'${raw}' is not an address: ${why}`;
    context.addIssue({ code: 'custom', message, ...loneOf(raw, parsed) });
    return z.NEVER;
  })
  .meta({ ...kind('jid'), description: 'The account, such as joe@falcot.com.' });

/** A bare or full JID. */
export const anyJid = address(parseJid).meta({
  ...kind('jid'),
  description: 'The account, or with /resource one of its sessions.',
});

/** Whose messages are meant, here or elsewhere: a bare JID, or a domain such as a component's. */
export const party = address(parseBare).meta({ ...kind('jid') });

/** A domain. */
export const domain = address(parseDomain).meta({
  ...kind('domain'),
  description: 'The domain, such as falcot.com.',
});

/** A domain of somebody else. */
export const otherDomain = address(parseDomain).meta({
  description: 'The other domain, such as example.org.',
});

/** Domains of somebody else: one, or all below one. */
export const otherDomains = address<DomainPattern>(parseDomainPattern).meta({
  description: 'The other domain, such as example.org, or *.example.org for all below it.',
});

/** A longer password is of no use to anyone but an attacker. */
const MAX_PASSWORD = 1024;

/** A password that is being set. */
export const newPassword = z
  .string()
  .min(1, 'must not be empty')
  .max(MAX_PASSWORD)
  .refine((raw) => raw === '' || preparePassword(raw) !== undefined, {
    message: 'has characters that a password cannot have (RFC 8265 §4.2)',
  })
  .meta({ ...kind('new-password'), description: 'The password.' });

/** The text of a file that a person names. */
export const fileText = (description: string) =>
  z
    .string()
    .min(1)
    .max(1 << 20)
    .meta({ ...kind('file'), description });

/** A moment as a person gives it: so long ago (`15m`, `1d`), or a date and time. */
export const moment = z
  .string()
  .max(100)
  .refine((raw) => momentOf(raw, 0) !== undefined, {
    message: 'is neither a duration such as 15m or 1d nor a time such as 2026-05-01T14:00',
  });

/** The moment, in ms since the epoch. */
export function momentOf(raw: string, now: number): number | undefined {
  const ago = parseDuration(raw);
  if (ago !== undefined) return now - ago;
  const at = /^\d{4}-\d\d-\d\d/.test(raw) ? Date.parse(raw) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

/** The output of a `watch`, described by one of its values. */
export function watchOf<T extends z.ZodType>(item: T) {
  const isIterable = (value: unknown) =>
    typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
  const { $schema: _, ...described } = z.toJSONSchema(item, { io: 'output' });
  return z.custom<AsyncIterable<z.output<T>>>(isIterable).meta({ ...described });
}
