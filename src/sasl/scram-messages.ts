/** The client's messages of SCRAM, read strictly by the grammar of RFC 5802 §7. */
import { decodeBase64 } from './text.ts';

/** The gs2-cbind-flag: no channel binding, binding that the server seems to lack, or its type. */
export type BindingFlag =
  | { readonly kind: 'n' }
  | { readonly kind: 'y' }
  | { readonly kind: 'p'; readonly type: string };

/** A client-first-message. */
export interface ClientFirst {
  /** As it was sent, with both its commas: the client repeats it under channel binding. */
  readonly gs2Header: string;
  readonly binding: BindingFlag;
  readonly authzid?: string;
  /** As it was sent: part of what is signed. */
  readonly bare: string;
  /** The user's name, not prepared yet. */
  readonly username: string;
  readonly nonce: string;
}

/** A client-final-message. */
export interface ClientFinal {
  /** The gs2-header again, and the channel binding's data. */
  readonly binding: Buffer;
  readonly nonce: string;
  readonly proof: Buffer;
  /** As it was sent: part of what is signed. */
  readonly withoutProof: string;
}

const FIRST = /^((?:([ny])|p=([A-Za-z0-9.-]+)),(?:a=([^,\0]+))?,)([^\0]*)$/;
const FIRST_BARE = /^n=([^,]+),r=([!-+\--~]+)((?:,[A-Za-z]=[^,]+)*)$/;
const FINAL = /^(c=([^,]+),r=([!-+\--~]+)((?:,[A-Za-z]=[^,\0]+)*)),p=([^,]+)$/;

/** A mandatory extension (`m=`), which nobody has defined yet: whoever meets it must fail (§5.1). */
const isMandatory = (extensions: string) => /,m=/.test(extensions);

/** Reads a client-first-message; `undefined` for what the grammar does not allow. */
export function readClientFirst(text: string): ClientFirst | undefined {
  const [, gs2Header, flag, type, rawAuthzid, bare] = FIRST.exec(text) ?? [];
  if (gs2Header === undefined || bare === undefined) return undefined;
  // A leading m= is refused here, since the name must come first (§5.1).
  const [, rawName, nonce, extensions] = FIRST_BARE.exec(bare) ?? [];
  if (rawName === undefined || nonce === undefined || isMandatory(extensions ?? '')) {
    return undefined;
  }
  const username = decodeName(rawName);
  if (username === undefined) return undefined;
  const binding: BindingFlag =
    type === undefined ? { kind: flag === 'y' ? 'y' : 'n' } : { kind: 'p', type };
  const first = { gs2Header, binding, bare, username, nonce };
  if (rawAuthzid === undefined) return first;
  const authzid = decodeName(rawAuthzid);
  return authzid === undefined ? undefined : { ...first, authzid };
}

/** Reads a client-final-message; `undefined` for what the grammar does not allow. */
export function readClientFinal(text: string): ClientFinal | undefined {
  const [, withoutProof, rawBinding, nonce, extensions, rawProof] = FINAL.exec(text) ?? [];
  if (withoutProof === undefined || nonce === undefined || isMandatory(extensions ?? '')) {
    return undefined;
  }
  const binding = decodeBase64(rawBinding ?? '');
  const proof = decodeBase64(rawProof ?? '');
  if (binding === undefined || proof === undefined) return undefined;
  return { binding, nonce, proof, withoutProof };
}

/** A saslname: comma and equals sign are written `=2C` and `=3D`, and no other way (§5.1). */
function decodeName(raw: string): string | undefined {
  if (/=(?!2C|3D)/.test(raw)) return undefined;
  return raw.replace(/=2C/g, ',').replace(/=3D/g, '=');
}
