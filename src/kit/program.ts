/** What this program is called; its version is that of package.json and stands nowhere else. */
import { readFileSync } from 'node:fs';

/** The program, as it names itself to others. */
export const PROGRAM = {
  name: 'rtcd',
  version: readVersion(),
  /** Identifies the software, whatever its version (XEP-0115 §4). */
  uri: 'urn:rtcd:server',
} as const;

function readVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const hasVersion = typeof parsed === 'object' && parsed !== null && 'version' in parsed;
  if (!hasVersion || typeof parsed.version !== 'string')
    throw new Error(`${file.pathname} states no version`);
  return parsed.version;
}
