/** The channel-binding data of a TLS connection: RFC 5929 and RFC 9266. */
import type { TLSSocket } from 'node:tls';
import type { ChannelBindingType } from '../sasl/index.ts';

const EXPORTER_LABEL = 'EXPORTER-Channel-Binding'; // RFC 9266 §2
const EXPORTER_BYTES = 32;

/** What a connection can be bound to. */
export interface Bindable {
  readonly socket: TLSSocket;
  /** The hash of the certificate that it was shown (RFC 5929 §4.1); undefined where none is defined. */
  readonly endPointHash: Buffer | undefined;
}

/** The types that are announced for a connection (XEP-0440), the strongest first. */
export function bindingTypes({ socket, endPointHash }: Bindable): readonly ChannelBindingType[] {
  // RFC 9266 §3: tls-unique before TLS 1.3; the exporter from it on, as TLS 1.2 may lack the
  // extended master secret that makes an exporter unique to a connection.
  const own = socket.getProtocol() === 'TLSv1.3' ? 'tls-exporter' : 'tls-unique';
  return endPointHash === undefined ? [own] : [own, 'tls-server-end-point'];
}

/**
 * The binding data of a connection; undefined where it has none of a type. tls-unique is answered
 * under TLS 1.3 too, though it is not announced there: clients from before RFC 9266 (slixmpp 1.8)
 * know no other and take a refusal for an attack, and the client's Finished message is a hash over
 * the whole handshake in TLS 1.3 as well.
 */
export function bindingData(
  { socket, endPointHash }: Bindable,
  type: ChannelBindingType,
): Buffer | undefined {
  switch (type) {
    case 'tls-exporter':
      if (socket.getProtocol() !== 'TLSv1.3') return undefined;
      return socket.exportKeyingMaterial(EXPORTER_BYTES, EXPORTER_LABEL, Buffer.alloc(0));
    case 'tls-unique':
      // RFC 5929 §3.1: the first Finished message; the client's, or on resumption the server's.
      return socket.isSessionReused() ? socket.getFinished() : socket.getPeerFinished();
    case 'tls-server-end-point':
      return endPointHash;
  }
}
