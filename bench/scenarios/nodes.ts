/** A node with many subscribers, to which one publishes: what each item costs until all are told. */
import type { Client } from '../load/client.ts';
import { type Figure, firstAccounts, type Scene, withClients } from '../load/scene.ts';
import { type FanOutOptions, measureFanOut } from './fan-out.ts';

/** How `nodes` runs; the one who is watched is the last subscriber. */
export interface NodesOptions extends FanOutOptions {
  /** How many are subscribed. */
  readonly subscribers: number;
}

const PUBSUB = 'http://jabber.org/protocol/pubsub';

/** Lets one publish for many; rejects if a client loses its connection. */
export function runNodes(scene: Scene, options: NodesOptions): Promise<Figure[]> {
  return withClients(scene, firstAccounts(scene, options.subscribers), async (clients) => {
    const service = `pubsub.${scene.endpoint.domain}`;
    const node = `bench-${process.pid}`;
    const [publisher] = clients;
    const last = clients.at(-1);
    if (publisher === undefined || last === undefined) throw new Error('nobody is subscribed');
    await ask(publisher, service, `<create node='${node}'/>`);
    for (const client of clients)
      await ask(client, service, `<subscribe node='${node}' jid='${client.jid}'/>`);
    return measureFanOut(scene, clients, options, {
      ...{ one: 'notification', many: 'notifications', before: '<x ', watched: last },
      say(text, count) {
        const item = `<item id='current'><x xmlns='urn:bench'>${text}</x></item>`;
        publisher.send(
          `<iq type='set' id='p${count}' to='${service}'><pubsub xmlns='${PUBSUB}'><publish node='${node}'>${item}</publish></pubsub></iq>`,
        );
      },
    });
  });
}

/** Sends a request to the service, and waits for the answer; rejects if it is an error. */
function ask(client: Client, service: string, inner: string): Promise<void> {
  return new Promise((resolve, reject) => {
    client.onStanza = (stanza) => {
      if (!stanza.startsWith('<iq')) return;
      if (stanza.includes('type="error"')) reject(new Error(stanza));
      else resolve();
    };
    client.send(
      `<iq type='set' id='ask' to='${service}'><pubsub xmlns='${PUBSUB}'>${inner}</pubsub></iq>`,
    );
  });
}
