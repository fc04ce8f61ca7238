/** The channel-binding data of a TLS connection: RFC 5929 and RFC 9266. */
import type { TLSSocket } from 'node:tls';
import type { ChannelBindingType } from '../sasl/index.ts';

const EXPORTER_LABEL = 'EXPORTER-Channel-Binding'; // RFC 9266 §2
const EXPORTER_BYTES = 32;

/**
 * The types that a connection can do, the strongest first. tls-unique is sound only before TLS 1.3
 * (RFC 9266 §3), the exporter only from it on, as long as TLS 1.2 may lack the extended master secret.
 */
export function bindingTypes(
  socket: TLSSocket,
  hasEndPoint: boolean,
): readonly ChannelBindingType[] {
  const own: ChannelBindingType =
    socket.getProtocol() === 'TLSv1.3' ? 'tls-exporter' : 'tls-unique';
  return hasEndPoint ? [own, 'tls-server-end-point'] : [own];
}

/**
 * The binding data of a connection.
 * @param endPoint the hash of the certificate that was presented (RFC 5929 §4.1)
 */
export function bindingData(
  socket: TLSSocket,
  type: ChannelBindingType,
  endPoint: Buffer | undefined,
): Buffer | undefined {
  if (!bindingTypes(socket, endPoint !== undefined).includes(type)) return undefined;
  switch (type) {
    case 'tls-exporter':
      return socket.exportKeyingMaterial(EXPORTER_BYTES, EXPORTER_LABEL, Buffer.alloc(0));
    case 'tls-unique':
      // RFC 5929 §3.1: the first Finished message; the client's, or on resumption the server's.
      return socket.isSessionReused() ? socket.getFinished() : socket.getPeerFinished();
    case 'tls-server-end-point':
      return endPoint;
  }
}
