/** Whether an answer went out, which Node does not say where its connection broke. */
import type { HttpEnv } from './client.ts';

/**
 * Tells when an answer is over, and whether the system took all of it. Of one whose connection broke in the
 * midst of it Node says by HTTP/1.1 that it is finished, and by HTTP/2 of one that was taken back before it
 * began.
 */
export function whenOver(
  { incoming, outgoing }: HttpEnv['Bindings'],
  tell: (isSent: boolean) => void,
): void {
  let isCut = false;
  outgoing.once('finish', () => {
    isCut = incoming.httpVersionMajor === 1 && incoming.socket.destroyed;
  });
  outgoing.once('close', () => tell(outgoing.writableEnded && outgoing.writableFinished && !isCut));
}
