/** The first admin: a one-time link while there is none. */
import type { Authority } from '../core/authority.ts';
import { randomId } from '../kit/ids.ts';
import { isSame } from './secrets.ts';

/** The way to the first admin. */
export interface Setup {
  /** The path with its token, to be written after the console's address: `/admin/setup?token=…`. */
  readonly path: string;
  /** Whether the link works now: it was not used and there is no admin. */
  isOpen(): Promise<boolean>;
  /** Whether a token opens it now. */
  accepts(token: string): Promise<boolean>;
  /**
   * Runs `make` if the token opens the way and nobody else is going it. The link is spent when
   * `make` says true. False when it was not run.
   */
  use(token: string, make: () => Promise<boolean>): Promise<boolean>;
}

/** Makes a link for this run of the server. */
export function createSetup(authority: Authority): Setup {
  const secret = randomId(32);
  let isUsed = false;
  let isBusy = false;
  const isOpen = async () => !isUsed && !(await authority.hasAdmin());
  const accepts = async (token: string) => isSame(token, secret) && (await isOpen());
  return {
    path: `/admin/setup?token=${secret}`,
    isOpen,
    accepts,
    async use(token, make) {
      if (isBusy || !isSame(token, secret)) return false;
      isBusy = true;
      try {
        if (!(await isOpen())) return false;
        isUsed = await make();
        return true;
      } finally {
        isBusy = false;
      }
    },
  };
}
