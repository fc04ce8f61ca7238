/** XEP-0441: users read and set their preferences. */
import { type Reply, reply } from '../../core/iq.ts';
import { type Jid, parseJid } from '../../jid/jid.ts';
import type { Archives } from './archives.ts';
import type { Owner } from './owners.ts';
import { type Prefs, prefsElement } from './payloads.ts';
import { DEFAULTS, type PreferenceRules, type Preferences, rulesOf } from './preferences.ts';
import type { ArchiveSettings } from './settings.ts';

type Settings = Pick<ArchiveSettings, 'default' | 'preferences' | 'maxListed'>;
type PrefsValue = Parameters<typeof Prefs.encode>[0];

/** The rules of hosts for users who have none of their own. */
const HOST_RULES: Readonly<Record<Preferences['default'], PreferenceRules>> = {
  always: rulesOf({ default: 'always', always: [], never: [] }),
  roster: rulesOf({ default: 'roster', always: [], never: [] }),
  never: rulesOf({ default: 'never', always: [], never: [] }),
};

/** The rules by which a user's messages are kept: his own, or the host's. */
export function rulesFor({ rules }: Owner, settings: Settings): PreferenceRules {
  return (settings.preferences ? rules : undefined) ?? HOST_RULES[settings.default];
}

/** The preferences in force. */
export function getPrefs(owner: Owner, settings: Settings): Reply {
  return reply.result(prefsElement(rulesFor(owner, settings).preferences));
}

/** Sets them; the answer tells what is applied. */
export async function setPrefs(
  asked: PrefsValue,
  { owners }: Archives,
  owner: Owner,
  settings: Settings,
): Promise<Reply> {
  if (!settings.preferences)
    return reply.refuse('not-allowed', 'Here the admin decides which messages are kept.');
  const behaviour = DEFAULTS.find((word) => word === asked.default); // §2.1.1
  if (behaviour === undefined || asked.always.length > 1 || asked.never.length > 1)
    return reply.refuse('bad-request', `The default is one of ${DEFAULTS.join(', ')}.`);
  const always = jidsOf(asked.always[0]?.jids ?? []);
  const never = jidsOf(asked.never[0]?.jids ?? []);
  if (always === undefined || never === undefined)
    return reply.refuse('jid-malformed', 'An address in the lists is not a valid one.');
  const most = settings.maxListed;
  if (always.length + never.length > most)
    return reply.refuse('policy-violation', `The lists have at most ${most} addresses together.`);
  const preferences = { default: behaviour, always, never };
  await owners.setPreferences(owner, preferences);
  return reply.result(prefsElement(preferences));
}

/** Each address once; undefined when one is none. */
function jidsOf(texts: readonly string[]): readonly Jid[] | undefined {
  const jids = new Set<Jid>();
  for (const text of texts) {
    const parsed = parseJid(text.trim());
    if (!parsed.ok) return undefined;
    jids.add(parsed.value);
  }
  return [...jids];
}
