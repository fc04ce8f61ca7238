/** An archive of 300 messages, read by slixmpp (XEP-0313, XEP-0059). */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { describeWith } from '../support/peers.ts';
import { type Program, startProgram } from '../support/program.ts';
import { type Client, type People, type Person, peopleOn } from './people.ts';

const COUNT = 300;
const Archive = z.array(
  z.object({ id: z.string(), body: z.string(), sender: z.string(), to: z.string() }),
);

describeWith(['slixmpp'], 'slixmpp reads an archive', () => {
  let program: Program;
  let people: People;
  let romeo: [Person, Client];
  let juliet: [Person, Client];
  const bodies = Array.from({ length: COUNT }, (_, index) => `line ${index}`);

  beforeAll(async () => {
    program = await startProgram();
    people = peopleOn(program);
    romeo = await arrive('romeo');
    juliet = await arrive('juliet');
    // Every third line is an answer.
    for (const [index, body] of bodies.entries()) {
      const [[, from], [to]] = index % 3 === 2 ? [juliet, romeo] : [romeo, juliet];
      await from.ask('message', { to: to.jid, body });
      if (index % 3 !== 0)
        await (from === romeo[1] ? juliet : romeo)[1].sees({ event: 'message', body });
    }
  });
  afterAll(async () => {
    await people.leave();
    await program.stop();
  });

  async function arrive(name: string): Promise<[Person, Client]> {
    const person = await people.person(name);
    const client = people.slixmpp();
    await client.login(person, 'starttls');
    await client.ask('presence');
    return [person, client];
  }
  const archive = async (client: Client, how: object = {}) =>
    Archive.parse(await client.ask('archive', how));

  test.each([10, 50, 300])('forwards in pages of %i: all of it, in its order', async (page) => {
    const found = await archive(juliet[1], { page });
    expect(found.map(({ body }) => body)).toEqual(bodies);
    expect(new Set(found.map(({ id }) => id)).size).toBe(COUNT);
    const [first, , third] = found;
    expect(first).toMatchObject({ sender: romeo[0].jid, to: juliet[0].jid });
    expect(third).toMatchObject({ sender: juliet[0].jid, to: romeo[0].jid });
  });

  test('backwards: the same messages, with the same ids', async () => {
    const forwards = await archive(romeo[1]);
    const backwards = await archive(romeo[1], { reverse: true, page: 70 });
    expect(backwards).toEqual([...forwards].reverse());
  });

  test('with somebody, and with nobody', async () => {
    expect(await archive(romeo[1], { with_jid: juliet[0].jid })).toHaveLength(COUNT);
    expect(await archive(romeo[1], { with_jid: 'nobody@localhost' })).toEqual([]);
  });

  test('the id of a message that comes is that of the archive', async () => {
    await romeo[1].ask('message', { to: juliet[0].jid, body: 'the last' });
    const heard = await juliet[1].sees({ event: 'message', body: 'the last' });
    const last = (await archive(juliet[1])).at(-1);
    expect(heard['stanzaIds']).toEqual({ [juliet[0].jid]: last?.id });
    const ends = await juliet[1].ask('archive_ends');
    expect(ends).toEqual([(await archive(juliet[1]))[0]?.id, last?.id]);
  });

  test('the fields that can be asked for', async () => {
    expect(await juliet[1].ask('archive_fields')).toEqual(
      expect.arrayContaining(['after-id', 'before-id', 'end', 'ids', 'start', 'with']),
    );
  });
});
