/**
 * The UIDs of archived messages as others see them (XEP-0313 §3, XEP-0359 §3 and §6): unpredictable,
 * and telling nothing. They are the numbers, encrypted with a key that stays: nothing has to be kept
 * of them, and one that was not made here is known as such without looking it up.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';

/** Makes and reads UIDs. */
export interface Uids {
  /** The UID of a message in the archive of an owner. */
  of(owner: number, serial: number): string;
  /** Those of several messages in one go: encrypting one by one would cost a page more than reading it. */
  all(owner: number, serials: readonly number[]): string[];
  /** The number of a UID; undefined when it is none of that owner's archive. */
  read(owner: number, uid: string): number | undefined;
}

const BLOCK = 16;
const KEY_BYTES = 16;
const WORD = 2 ** 32;
/** A block as base64url, in the one spelling that it has. */
const FORM = /^[\w-]{21}[AQgw]$/;

/** @param secret at least 16 bytes that stay the same for good */
export function createUids(secret: Buffer): Uids {
  const key = secret.subarray(0, KEY_BYTES);
  // Each block is encrypted on its own, and no two are the same: ECB is all that is needed.
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  const decipher = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  /** The last word stays 0, by which a UID is known as ours. */
  const write = (blocks: Buffer, at: number, owner: number, serial: number) => {
    blocks.writeUInt32BE(Math.floor(serial / WORD), at);
    blocks.writeUInt32BE(serial % WORD, at + 4);
    blocks.writeUInt32BE(owner, at + 8);
  };
  const one = Buffer.alloc(BLOCK);
  return {
    of(owner, serial) {
      write(one, 0, owner, serial);
      return cipher.update(one).toString('base64url');
    },
    all(owner, serials) {
      const blocks = Buffer.alloc(BLOCK * serials.length);
      serials.forEach((serial, index) => {
        write(blocks, BLOCK * index, owner, serial);
      });
      const encrypted = cipher.update(blocks);
      return serials.map((_, index) =>
        encrypted.toString('base64url', BLOCK * index, BLOCK * (index + 1)),
      );
    },
    read(owner, uid) {
      if (!FORM.test(uid)) return undefined;
      const plain = decipher.update(Buffer.from(uid, 'base64url'));
      if (plain.readUInt32BE(8) !== owner || plain.readUInt32BE(12) !== 0) return undefined;
      return plain.readUInt32BE(0) * WORD + plain.readUInt32BE(4);
    },
  };
}
