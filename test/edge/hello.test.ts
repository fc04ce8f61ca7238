import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readHello } from '../../src/edge/hello.ts';
import { recognise, recogniseInside } from '../../src/edge/recognise.ts';

/** What Node's own client says first. */
async function helloOf(ALPNProtocols: string[]): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const client = connect({ host: '127.0.0.1', port, servername: 'falcot.com', ALPNProtocols });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  client.destroy();
  server.close();
  return bytes;
}

describe('RFC 8446 §4.1.2 a ClientHello', () => {
  test.each([[['xmpp-client']], [['h2', 'http/1.1']], [[]]])(
    'names what it is for: %j',
    async (alpn) => {
      const bytes = await helloOf(alpn);
      expect(readHello(bytes)).toEqual({ alpn });
      expect(recognise(bytes)).toEqual({ value: { kind: 'tls', alpn } });
    },
  );

  test('is read however it comes: byte by byte, or in several records (§5.1)', async () => {
    const bytes = await helloOf(['xmpp-server']);
    for (let length = 0; length < bytes.length; length += 1)
      expect(readHello(bytes.subarray(0, length))).toBe('more');
    const body = bytes.subarray(5);
    const pieces = [body.subarray(0, 3), body.subarray(3, 50), body.subarray(50)];
    const records = pieces.map((piece) => {
      const head = Buffer.from([0x16, 3, 1, 0, 0]);
      head.writeUInt16BE(piece.length, 3);
      return Buffer.concat([head, piece]);
    });
    expect(readHello(Buffer.concat(records))).toEqual({ alpn: ['xmpp-server'] });
  });

  test('that is broken is none, and whatever comes is judged', async () => {
    const bytes = await helloOf(['xmpp-client']);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const broken = Buffer.from(bytes);
        broken[at] = value;
        const read = readHello(broken);
        if (read !== undefined && read !== 'more') expect(Array.isArray(read.alpn)).toBe(true);
      }),
    );
    fc.assert(fc.property(fc.uint8Array(), (any) => void recognise(Buffer.from(any))));
    expect(readHello(Buffer.from([0x16, 3, 1, 0, 0, 0x16, 3, 1, 0, 0]))).toBeUndefined();
    expect(readHello(Buffer.from([0x15, 3, 1, 0, 2, 1, 0]))).toBeUndefined();
  });
});

describe('the first bytes without TLS, or inside of it', () => {
  const stream = (ns: string) =>
    `<?xml version='1.0'?><stream:stream to='a' xmlns="${ns}" xmlns:stream='http://etherx.jabber.org/streams'>`;
  test.each([
    [stream('jabber:client'), 'c2s'],
    [stream('jabber:server'), 's2s'],
    [`\n ${stream('jabber:server')}`, 's2s'],
    ["<stream xmlns='jabber:server' xmlns:x='y'>", 's2s'],
    ["<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='a'/>", 'c2s'],
    ['<?xml version="1.0"?><html>', 'c2s'],
    ['GET / HTTP/1.1\r\n', 'http'],
    ['OPTIONS * HTTP/1.1\r\n', 'http'],
  ])('%s is %s', (text, value) => {
    expect(recogniseInside(Buffer.from(text))).toEqual({ value });
  });

  test.each([
    '',
    ' ',
    '<',
    "<?xml version='1.0'?>",
    "<stream:stream xmlns='jabber:ser",
    'GE',
    'GET',
  ])('more is needed than %j', (text) => {
    expect(recogniseInside(Buffer.from(text))).toBe('more');
  });

  test.each(['\x00\x01', 'get / HTTP/1.1', 'SSH-2.0-OpenSSH', 'A'.repeat(30), '\x80\x2e\x01'])(
    '%j is nothing',
    (text) => {
      expect(recogniseInside(Buffer.from(text, 'latin1'))).toBeUndefined();
    },
  );
});
