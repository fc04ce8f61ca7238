/** Names and types of files, as they can be shown in addresses and headers. Disks never see them. */

/** Characters that a name keeps at most; its ending is kept (XEP-0363 §4). */
const MOST_NAME = 150;
const MOST_ENDING = 20;

/**
 * What no name has: separators of paths, what controls a terminal or the direction of text, and halves
 * of characters or what stands for them.
 */
const UNSAFE = /[/\\\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffd]/gu;

/** A name that harms nobody and is as near to the one given as can be. */
export function safeName(raw: string): string {
  const plain = raw.normalize('NFC').replace(UNSAFE, '_').trim();
  const characters = [...plain];
  const short = characters.length <= MOST_NAME ? plain : shortened(characters);
  return /^\.*$/.test(short) ? 'file' : short;
}

function shortened(characters: readonly string[]): string {
  const dot = characters.lastIndexOf('.');
  const hasEnding = dot > 0 && characters.length - dot <= MOST_ENDING;
  const ending = hasEnding ? characters.slice(dot) : [];
  return [...characters.slice(0, MOST_NAME - ending.length), ...ending].join('');
}

/** A text as a segment of a path (RFC 3986 §3.3), with all but unreserved characters encoded. */
export function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The media type without parameters, in lower case. */
export function essenceOf(type: string): string {
  return (type.split(';')[0] ?? '').trim().toLowerCase();
}

/** What browsers show without running anything that is in it. */
const SHOWN = /^(?:image\/(?:png|jpeg|gif|webp|avif|bmp)|(?:audio|video)\/[\w.+-]+|text\/plain)$/;

/**
 * The `Content-Disposition` of a file (RFC 6266): pictures, sound, films and plain text are shown, all
 * else, HTML and SVG first of all, is saved.
 */
export function disposition(name: string, type: string): string {
  const plain = name.replace(/[^\w.\- ]/g, '_');
  const kind = SHOWN.test(essenceOf(type)) ? 'inline' : 'attachment';
  return `${kind}; filename="${plain}"; filename*=UTF-8''${encodeSegment(name)}`;
}
