/** The namespaces and forms of XEP-0045 and of what is built on it. */

/** Support for rooms, and the mark of whoever enters one. */
export const MUC = 'http://jabber.org/protocol/muc';
/** What a room says of an occupant, and invitations. */
export const MUC_USER = 'http://jabber.org/protocol/muc#user';
/** What moderators and admins ask for. */
export const MUC_ADMIN = 'http://jabber.org/protocol/muc#admin';
/** What owners ask for. */
export const MUC_OWNER = 'http://jabber.org/protocol/muc#owner';

/** §15.5.3: the form of a room's configuration. */
export const ROOM_CONFIG = 'http://jabber.org/protocol/muc#roomconfig';
/** §15.5.4: what disco#info says of a room beyond features. */
export const ROOM_INFO = 'http://jabber.org/protocol/muc#roominfo';
/** §15.5.2: the form by which voice is asked for and granted. */
export const VOICE_REQUEST = 'http://jabber.org/protocol/muc#request';
/** §15.5.1: the form by which a nick is registered. */
export const ROOM_REGISTER = 'http://jabber.org/protocol/muc#register';

/** §7.4: the room keeps the ids of messages. */
export const STABLE_ID = 'http://jabber.org/protocol/muc#stable_id';
/** XEP-0410 §4: the room itself answers when an occupant pings himself. */
export const SELF_PING = 'http://jabber.org/protocol/muc#self-ping-optimization';
/** XEP-0421. */
export const OCCUPANT_ID = 'urn:xmpp:occupant-id:0';
/** The namespace of moderation (XEP-0425), and its feature. */
export const MODERATE = 'urn:xmpp:message-moderate:1';
/** The namespace of retraction (XEP-0424), and its feature. */
export const RETRACT = 'urn:xmpp:message-retract:1';
/** XEP-0317. */
export const HATS = 'urn:xmpp:hats:0';
/** XEP-0463. */
export const MAV = 'urn:xmpp:muc:affiliations:1';
/** XEP-0054, and its feature. */
export const VCARD = 'vcard-temp';
/** XEP-0359. */
export const STANZA_ID = 'urn:xmpp:sid:0';
/** XEP-0249. */
export const CONFERENCE = 'jabber:x:conference';
