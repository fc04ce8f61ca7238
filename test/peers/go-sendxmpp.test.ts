/** go-sendxmpp of Debian: one message from a script, as monitoring sends it. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/peers.ts';
import { type Program, startProgram } from '../support/program.ts';
import { sendBy } from './go-sendxmpp.ts';
import { type People, type Person, peopleOn, WAYS, type Way } from './people.ts';

describeWith(['go-sendxmpp', 'slixmpp'], 'go-sendxmpp', () => {
  let program: Program;
  let people: People;
  beforeAll(async () => {
    program = await startProgram();
    people = peopleOn(program);
  });
  afterEach(() => people.leave());
  afterAll(() => program.stop());

  const send = (from: Person, to: Person, body: string, way: Way) =>
    sendBy(program, way, { from, to, body });

  test.each(WAYS)('a message from a script reaches a client over %s', async (way) => {
    const [robot, admin] = [await people.person('robot'), await people.person('admin')];
    const client = people.xmppJs();
    await client.login(admin, way);
    await client.ask('presence');
    const sent = await send(robot, admin, 'The disk is full.', way);
    expect(sent, sent.stderr).toMatchObject({ code: 0 });
    await client.sees({ event: 'message', sender: robot.jid, body: 'The disk is full.' });
  });

  test('the message is kept for one who is away', async () => {
    const [robot, admin] = [await people.person('robot'), await people.person('admin')];
    await send(robot, admin, 'The disk is full.', 'starttls');
    const client = people.slixmpp(); // which knows no XEP-0386: what is kept is sent to it
    await client.login(admin, 'starttls');
    await client.ask('presence');
    const late = await client.sees({ event: 'message', sender: robot.jid });
    expect(late).toMatchObject({ body: 'The disk is full.', stamp: expect.any(String) });
  });

  test('a wrong password fails', async () => {
    const robot = { ...(await people.person('robot')), password: 'wrong' };
    expect((await send(robot, robot, 'Hello', 'starttls')).code).not.toBe(0);
  });
});
