/** XEP-0198 and XEP-0280 with aioxmpp, which resumes by itself. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/peers.ts';
import { type Program, startProgram } from '../support/program.ts';
import { type People, peopleOn } from './people.ts';

describeWith(['aioxmpp'], 'devices with aioxmpp', () => {
  let program: Program;
  let people: People;
  beforeAll(async () => {
    program = await startProgram();
    people = peopleOn(program);
  });
  afterEach(() => people.leave());
  afterAll(() => program.stop());

  test('XEP-0198 a session that broke is resumed; what is sent is acknowledged', {
    timeout: 60_000,
  }, async () => {
    const [romeo, juliet] = [await people.person('romeo'), await people.person('juliet')];
    const [phone, other] = [people.aioxmpp(), people.aioxmpp()];
    await phone.login(romeo, 'starttls');
    await other.login(juliet, 'direct TLS');
    const to = String(await phone.ask('whoami'));
    await other.ask('message', { to, body: 'one' });
    expect(await phone.sees({ event: 'message' })).toMatchObject({ body: 'one' });
    await phone.ask('cut');
    await phone.sees({ event: 'suspended' });
    for (const body of ['two', 'three']) await other.ask('message', { to, body });
    await phone.sees({ event: 'resumed' });
    for (const body of ['two', 'three'])
      expect(await phone.sees({ event: 'message' })).toMatchObject({ body });
    expect(await phone.ask('whoami')).toBe(to);
  });

  test('XEP-0280 both sides of a conversation are on the other device', {
    timeout: 60_000,
  }, async () => {
    const [romeo, juliet] = [await people.person('romeo'), await people.person('juliet')];
    const [phone, laptop, other] = [people.aioxmpp(), people.aioxmpp(), people.aioxmpp()];
    await phone.login(romeo, 'starttls');
    await laptop.login(romeo, 'starttls');
    await other.login(juliet, 'starttls');
    await phone.ask('copies', { enabled: true });
    await laptop.ask('message', { to: juliet.jid, body: 'from the laptop' });
    expect(await phone.sees({ event: 'copy' })).toMatchObject({ body: 'from the laptop' });
    const to = String(await laptop.ask('whoami'));
    await other.ask('message', { to, body: 'to the laptop' });
    expect(await phone.sees({ event: 'copy' })).toMatchObject({ body: 'to the laptop' });
  });
});
