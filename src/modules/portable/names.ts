/** The words of the format (XEP-0227 §4). */

/** The namespace of the format. */
export const PIE = 'urn:xmpp:pie:0';
/** The namespaces that files have, the older one in those of old servers. */
export const PIES: readonly string[] = [PIE, 'http://www.xmpp.org/extensions/xep-0227.html#ns'];
/** The namespace of credentials (§4.3). */
export const PIE_SCRAM = 'urn:xmpp:pie:0#scram';
/** The namespace of archives (§4.11). */
export const PIE_MAM = 'urn:xmpp:pie:0#mam';
/** The namespace of XInclude (§5). */
export const XINCLUDE = 'http://www.w3.org/2001/XInclude';
