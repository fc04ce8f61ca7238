/** Passwords and keys as files have them (XEP-0227 §4.2, §4.3). */
import type { PassedOver } from '../../core/intake.ts';
import { preparePassword } from '../../jid/jid.ts';
import {
  DIGEST_BYTES,
  deriveKeys,
  SCRAM_HASHES,
  type ScramHash,
  type ScramKeys,
} from '../../sasl/index.ts';
import { childOf, type Element, el, textOf } from '../../xml/element.ts';
import { PIE_SCRAM } from './names.ts';

/** Rounds that a login may cost: who writes more into a file wants the server to work. */
const MOST_ITERATIONS = 1_000_000;
const MOST_SALT_BYTES = 1024;
const MOST_PASSWORD = 1024;

/** Keys, or why they cannot be kept. */
export type ReadKeys =
  | { readonly ok: true; readonly keys: ScramKeys }
  | { readonly ok: false; readonly passed: PassedOver };

/** Reads `<scram-credentials/>`. */
export function readScram(element: Element): ReadKeys {
  const mechanism = element.attrs['mechanism'] ?? '';
  const refuse = (why: string): ReadKeys => {
    const what = mechanism === '' ? 'a key' : `the key for ${mechanism.slice(0, 100)}`;
    return { ok: false, passed: { what, why } };
  };
  const hash = SCRAM_HASHES.find((each) => mechanism === `SCRAM-${each}`);
  if (hash === undefined) return refuse('keys of this kind cannot be kept here');
  const said = (name: string) => {
    const child = childOf(element, name, PIE_SCRAM);
    return child === undefined ? '' : textOf(child).trim();
  };
  const rounds = said('iter-count');
  const iterations = /^[1-9]\d{0,9}$/.test(rounds) ? Number(rounds) : 0;
  if (iterations === 0) return refuse('its iter-count is no number');
  if (iterations > MOST_ITERATIONS) return refuse(`it has more than ${MOST_ITERATIONS} iterations`);
  const size = DIGEST_BYTES[hash];
  // ejabberd writes in base64 what is in base64 already.
  const isTwice = unwrapped(said('stored-key'))?.length === size;
  const read = (name: string) => (isTwice ? unwrapped(said(name)) : bytesIn(said(name)));
  const salt = read('salt');
  if (salt === undefined || salt.length === 0 || salt.length > MOST_SALT_BYTES)
    return refuse('its salt is none');
  const [storedKey, serverKey] = [read('stored-key'), read('server-key')];
  if (storedKey?.length !== size || serverKey?.length !== size)
    return refuse(`its keys are not of ${hash}`);
  return { ok: true, keys: { hash, iterations, salt, storedKey, serverKey } };
}

/** Base64 as it is written, with nothing else in it. */
function bytesIn(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  return Buffer.from(text, 'base64');
}

/** What is in base64 twice. */
function unwrapped(text: string): Buffer | undefined {
  const once = bytesIn(text);
  return once === undefined ? undefined : bytesIn(once.toString('latin1'));
}

/** Whether a password can be one (RFC 8265 §4.2). */
export const isPassword = (text: string): boolean =>
  text.length <= MOST_PASSWORD && preparePassword(text) !== undefined;

/** Keys of all kinds for a password. */
export async function keysFor(password: string): Promise<readonly ScramKeys[]> {
  const made = await Promise.all(SCRAM_HASHES.map((hash) => deriveKeys(password, hash)));
  return made.filter((keys) => keys !== undefined);
}

/** `<scram-credentials/>` of keys. */
export function scramElement({ hash, ...keys }: ScramKeys): Element {
  return el(
    'scram-credentials',
    { xmlns: PIE_SCRAM, mechanism: mechanismOf(hash) },
    el('iter-count', undefined, String(keys.iterations)),
    el('salt', undefined, keys.salt.toString('base64')),
    el('server-key', undefined, keys.serverKey.toString('base64')),
    el('stored-key', undefined, keys.storedKey.toString('base64')),
  );
}

const mechanismOf = (hash: ScramHash) => `SCRAM-${hash}`;
