/** The channel-binding data of a TLS connection: RFC 5929 and RFC 9266. */
import type { TLSSocket } from 'node:tls';
import { endPointHash } from '../certs/certificate.ts';
import type { ChannelBindingType } from '../sasl/index.ts';

const EXPORTER_LABEL = 'EXPORTER-Channel-Binding'; // RFC 9266 §2
const EXPORTER_BYTES = 32;

/** The types that are announced for a connection (XEP-0440), the strongest first. */
export function bindingTypes(socket: TLSSocket): readonly ChannelBindingType[] {
  // RFC 9266 §3: tls-unique before TLS 1.3; the exporter from it on, as TLS 1.2 may lack the
  // extended master secret that makes an exporter unique to a connection.
  const own = socket.getProtocol() === 'TLSv1.3' ? 'tls-exporter' : 'tls-unique';
  return endPoint(socket) === undefined ? [own] : [own, 'tls-server-end-point'];
}

/**
 * The binding data of a connection; undefined where it has none of a type. tls-unique is answered
 * under TLS 1.3 too, though it is not announced there: clients from before RFC 9266 (slixmpp 1.8)
 * know no other and take a refusal for an attack, and the client's Finished message is a hash over
 * the whole handshake in TLS 1.3 as well.
 */
export function bindingData(socket: TLSSocket, type: ChannelBindingType): Buffer | undefined {
  switch (type) {
    case 'tls-exporter':
      if (socket.getProtocol() !== 'TLSv1.3') return undefined;
      return socket.exportKeyingMaterial(EXPORTER_BYTES, EXPORTER_LABEL, Buffer.alloc(0));
    case 'tls-unique':
      // RFC 5929 §3.1: the first Finished message; the client's, or on resumption the server's.
      return socket.isSessionReused() ? socket.getFinished() : socket.getPeerFinished();
    case 'tls-server-end-point':
      return endPoint(socket);
  }
}

interface EndPoint {
  readonly raw: Buffer;
  readonly hash: Buffer | undefined;
}

/** By connection: reading its certificate shows in the cost of a login. */
const endPoints = new WeakMap<TLSSocket, EndPoint>();
/** Those of the certificates that were shown last: to parse one costs more than all else of a login. */
let shownLast: readonly EndPoint[] = [];
const REMEMBERED = 8;

/** The hash of the certificate that this very connection was shown (RFC 5929 §4.1). */
function endPoint(socket: TLSSocket): Buffer | undefined {
  let found = endPoints.get(socket);
  if (found === undefined) {
    const raw = socket.getX509Certificate()?.raw;
    if (raw === undefined) return undefined;
    found = shownLast.find((each) => each.raw.equals(raw));
    if (found === undefined) {
      found = { raw, hash: endPointHash(raw) };
      shownLast = [found, ...shownLast].slice(0, REMEMBERED);
    }
    endPoints.set(socket, found);
  }
  return found.hash;
}
