/** Chat apps that speak XMPP, for the platform from which somebody looks. */

/** An app, and where its makers offer it. */
export interface App {
  readonly name: string;
  readonly url: string;
  /** Where else it can be had. */
  readonly stores: readonly (readonly [name: string, url: string])[];
}

/** A kind of device. */
export type Platform = 'android' | 'ios' | 'windows' | 'macos' | 'linux';

const CONVERSATIONS: App = {
  name: 'Conversations',
  url: 'https://conversations.im/',
  stores: [
    ['F-Droid', 'https://f-droid.org/packages/eu.siacs.conversations/'],
    ['Google Play', 'https://play.google.com/store/apps/details?id=eu.siacs.conversations'],
  ],
};
const MONAL: App = { name: 'Monal', url: 'https://monal-im.org/', stores: [] };
const GAJIM: App = { name: 'Gajim', url: 'https://gajim.org/', stores: [] };
const DINO: App = { name: 'Dino', url: 'https://dino.im/', stores: [] };

/** What is recommended where; the first is the one to begin with. */
export const PLATFORMS: Readonly<
  Record<Platform, { readonly name: string; readonly apps: readonly App[] }>
> = {
  android: { name: 'Android', apps: [CONVERSATIONS] },
  ios: { name: 'iPhone and iPad', apps: [MONAL] },
  windows: { name: 'Windows', apps: [GAJIM] },
  macos: { name: 'Mac', apps: [MONAL] },
  linux: { name: 'Linux', apps: [DINO, GAJIM] },
};

/** The platform that a browser says it runs on; undefined where it is none of these. */
export function platformOf(userAgent: string): Platform | undefined {
  if (/Android/.test(userAgent)) return 'android';
  if (/iPhone|iPad|iPod/.test(userAgent)) return 'ios';
  if (/Windows/.test(userAgent)) return 'windows';
  if (/Macintosh/.test(userAgent)) return 'macos';
  return /Linux|X11/.test(userAgent) ? 'linux' : undefined;
}

/** Whether a platform is held in the hand: it cannot scan what it shows. */
export const isHandheld = (platform: Platform | undefined): boolean =>
  platform === 'android' || platform === 'ios';
