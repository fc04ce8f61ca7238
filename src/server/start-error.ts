import type { Path } from '../config/shape.ts';

/** Why the server cannot start, in words for the admin: no stack, nothing to look up. */
export class StartError extends Error {
  override readonly name = 'StartError';
  /** The key of rtcd.yaml that it is about, if it is about one. */
  readonly key: Path | undefined;

  constructor(message: string, key?: Path) {
    super(message);
    this.key = key;
  }
}
