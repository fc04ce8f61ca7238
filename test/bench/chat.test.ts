import { describe, expect, test } from 'vitest';
import { chat, type Talker } from '../../bench/scenarios/chat.ts';

/** What a server does with the messages for one of two clients: gives them on, or something else. */
type Handling = (stanza: string, number: number, giveOn: (stanza: string) => void) => void;

/** Two clients of a server that handles the first one's messages in its own way. */
function pairOf(handle: Handling): Talker[] {
  const talker = (jid: string): Talker => ({
    jid,
    onStanza: () => undefined,
    send: () => undefined,
  });
  const [left, right] = [talker('left@x/1'), talker('right@x/1')];
  let count = 0;
  left.send = (text) => {
    count += 1;
    const number = count;
    setImmediate(() => handle(text, number, (stanza) => right.onStanza(stanza)));
  };
  right.send = (text) => void setImmediate(() => left.onStanza(text));
  return [left, right];
}

async function faultsOf(handle: Handling): Promise<Record<string, number>> {
  const options = { window: 3, seconds: 0.05, warmup: 0, body: 60, patience: 0.05 };
  const figures = await chat([process.pid], pairOf(handle), options);
  const faults = figures.filter(({ isFault }) => isFault === true);
  return Object.fromEntries(faults.map(({ name, value }) => [name, value]));
}

describe('the chat of the load generator', () => {
  test('a server that gives all on is at no fault', async () => {
    const faults = await faultsOf((stanza, _, giveOn) => giveOn(stanza));
    expect(faults).toEqual({ 'messages lost': 0, 'stanzas out of place': 0 });
  });

  test('a message that is lost is missed, and those behind it are out of place', async () => {
    const faults = await faultsOf((stanza, number, giveOn) => {
      if (number !== 3) giveOn(stanza);
    });
    expect(faults['messages lost']).toBeGreaterThan(0);
    expect(faults['stanzas out of place']).toBe(2);
  });

  test('a message that comes twice is out of place', async () => {
    const faults = await faultsOf((stanza, number, giveOn) => {
      giveOn(stanza);
      if (number === 3) giveOn(stanza);
    });
    expect(faults).toEqual({ 'messages lost': 0, 'stanzas out of place': 1 });
  });

  test('messages that overtake each other are out of place', async () => {
    let held: string | undefined;
    const faults = await faultsOf((stanza, number, giveOn) => {
      if (number === 2) held = stanza;
      else giveOn(stanza);
      if (number === 3 && held !== undefined) giveOn(held);
    });
    expect(faults['stanzas out of place']).toBeGreaterThan(0);
  });

  test('a run in which nothing arrives has no figures', async () => {
    const deaf = ['left@x/1', 'right@x/1'].map((jid) => ({
      ...{ jid, onStanza: () => undefined, send: () => undefined },
    }));
    const options = { window: 3, seconds: 0.05, warmup: 0, body: 60, patience: 0.05 };
    await expect(chat([process.pid], deaf, options)).rejects.toThrow('no message');
  });
});
