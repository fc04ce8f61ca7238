/** What a check found: each finding says in a sentence what is so and, if need be, how to mend it. */

/** A finding of `server.check`. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'error';
  /** Such as `dns`. */
  readonly area: string;
  /** What was looked at: a file, a domain, a port. */
  readonly subject: string;
  readonly text: string;
}

/** Makes findings of an area about a subject. */
export function findingsOn(area: string, subject: string) {
  return {
    ok: (text: string): Finding => ({ level: 'ok', area, subject, text }),
    warning: (text: string): Finding => ({ level: 'warning', area, subject, text }),
    error: (text: string): Finding => ({ level: 'error', area, subject, text }),
  };
}
