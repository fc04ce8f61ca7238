/** A room with many occupants, of whom one speaks: what each message costs until all have it. */
import type { Client } from '../load/client.ts';
import { type Figure, firstAccounts, type Scene, withClients } from '../load/scene.ts';
import { type FanOutOptions, measureFanOut } from './fan-out.ts';

/** How `room` runs; the one who is watched is the speaker himself. */
export interface RoomOptions extends FanOutOptions {
  /** How many are in the room, the speaker among them. */
  readonly occupants: number;
}

/** Lets one speak to many; rejects if a client loses its connection. */
export function runRoom(scene: Scene, options: RoomOptions): Promise<Figure[]> {
  return withClients(scene, firstAccounts(scene, options.occupants), async (clients) => {
    const room = `bench-${process.pid}@conference.${scene.endpoint.domain}`;
    const [speaker] = clients;
    if (speaker === undefined) throw new Error('a room has somebody in it');
    await enterAll(clients, room);
    return measureFanOut(scene, clients, options, {
      ...{ one: 'delivery', many: 'deliveries', before: '<body', watched: speaker },
      say: (text, count) =>
        speaker.send(
          `<message type='groupchat' to='${room}' id='m${count}'><body>${text}</body></message>`,
        ),
    });
  });
}

/** The first makes the room; the others enter it, one after the other's answer. */
async function enterAll(clients: readonly Client[], room: string): Promise<void> {
  for (const [index, client] of clients.entries()) {
    const subject = heard(client, (stanza) => stanza.includes('<subject'));
    client.send(
      `<presence to='${room}/n${index}'><x xmlns='http://jabber.org/protocol/muc'><history maxchars='0'/></x></presence>`,
    );
    await subject;
    if (index > 0) continue;
    const unlocked = heard(client, (stanza) => stanza.startsWith('<iq'));
    client.send(
      `<iq type='set' id='unlock' to='${room}'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`,
    );
    await unlocked;
  }
}

function heard(client: Client, isIt: (stanza: string) => boolean): Promise<void> {
  return new Promise((resolve) => {
    client.onStanza = (stanza) => {
      if (isIt(stanza)) resolve();
    };
  });
}
