/** Where the pages of rooms are. */

/** The list. */
export const ROOMS = '/admin/rooms';

/** The address of a room's page, or of something that can be done with it. */
export function roomPath(jid: string, action = ''): string {
  return `${ROOMS}/at/${encodeURIComponent(jid)}${action === '' ? '' : `/${action}`}`;
}
