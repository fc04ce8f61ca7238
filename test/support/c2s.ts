/** The client side over a scene: what its parts are given, and a connection without a socket. */
import { Duplex } from 'node:stream';
import { expect } from 'vitest';
import { Connection } from '../../src/c2s/connection.ts';
import type { C2sServices } from '../../src/c2s/services.ts';
import { createSleepers } from '../../src/c2s/sleepers.ts';
import type { Limits } from '../../src/config/schema.ts';
import { serverShape } from '../../src/config/schema.ts';
import { createWatch } from '../../src/core/watch.ts';
import { createMetrics } from '../../src/kit/metrics.ts';
import { Flusher } from '../../src/kit/outbox.ts';
import { noProxies } from '../../src/kit/proxy-gate.ts';
import type { Scene } from './scene.ts';

/** What the client side works with. */
export function c2sServices(scene: Scene, limits: Partial<Limits> = {}): C2sServices {
  return {
    ...scene,
    sleepers: createSleepers(scene.clock),
    watch: createWatch(scene.clock),
    metrics: createMetrics({ process: false }),
    log: scene.log.area('c2s'),
    tls: { serverTls: () => ({ options: {}, endPointHash: () => undefined }) },
    resourceKey: Buffer.from('a key for tests'),
    mayTryLogin: () => true,
    noteFailedLogin: () => {},
    gate: noProxies,
    limits: () => ({ ...serverShape.limits.parse(undefined), ...limits }),
    tlsPolicy: () => serverShape.tls.parse(undefined),
  };
}

/** A client at the other end of a connection that counts as secured. */
export class Visitor extends Duplex {
  /** All that the server wrote. */
  text = '';
  /** Whether it reads what the server writes. */
  isReading = true;
  /** The server's side. */
  readonly connection: Connection;

  constructor(services: C2sServices) {
    super({ decodeStrings: false });
    this.connection = new Connection({
      socket: this,
      transport: 'secured',
      services,
      flusher: new Flusher(),
      remote: '127.0.0.1',
      onClosed() {},
    });
  }

  /** Sends text as it is. */
  say(text: string): void {
    this.push(Buffer.from(text));
  }

  /** Waits until the server has written something; what came up to its end is passed over. */
  async hear(wanted: RegExp): Promise<void> {
    await expect.poll(() => this.text).toMatch(wanted);
    this.text = this.text.slice((wanted.exec(this.text)?.index ?? 0) + 1);
  }

  /** Opens a stream, logs in and opens the next one; a resource can be bound then. */
  async logIn(domain: string, user: string, password: string): Promise<void> {
    const header =
      `<?xml version='1.0'?><stream:stream to='${domain}' version='1.0' xmlns='jabber:client'` +
      " xmlns:stream='http://etherx.jabber.org/streams'>";
    const data = Buffer.from(`\0${user}\0${password}`).toString('base64');
    this.say(header);
    await this.hear(/<\/stream:features>/);
    this.say(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${data}</auth>`);
    await this.hear(/<success/);
    this.say(header);
    await this.hear(/<\/stream:features>/);
  }

  override _read(): void {}

  override _write(text: string, _: BufferEncoding, done: () => void): void {
    if (!this.isReading) return;
    this.text += text;
    done();
  }
}
