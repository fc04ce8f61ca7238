/** Connections at the same moment, with modules that take their time. */
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { ClientSession } from '../../src/c2s/session.ts';
import { defineModule } from '../../src/core/module.ts';
import { deferred } from '../../src/kit/deferred.ts';
import { streamManagement } from '../../src/modules/stream-management.ts';
import { c2sServices, Visitor } from '../support/c2s.ts';
import { type Scene, startScene } from '../support/scene.ts';

const BIND =
  "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" +
  '<resource>hall</resource></bind></iq>';

let scene: Scene;
afterEach(() => scene.stop());

test('RFC 6120 §7.7.2.2 of two that bind a resource at once the later one has it', async () => {
  const told = deferred<void>();
  const slow = defineModule({
    name: 'slow',
    specs: [],
    setup: () => ({ hooks: { sessionEnded: () => told.promise } }),
  });
  scene = await startScene({ modules: [slow], accounts: ['juliet@capulet.example'] });
  const services = c2sServices(scene);
  const visitors = [new Visitor(services), new Visitor(services), new Visitor(services)] as const;
  for (const visitor of visitors) await visitor.logIn('capulet.example', 'juliet', 'secret');
  const [before, first, second] = visitors;
  before.say(BIND);
  await before.hear(/hall<\/jid>/);
  first.say(BIND);
  await before.hear(/<conflict /); // its modules are not done with it yet
  second.say(BIND);
  told.resolve();
  await first.hear(/<conflict /);
  await second.hear(/hall<\/jid>/);
  expect(second.text).not.toContain('stream:error');
  expect(services.sessions.size).toBe(1);
});

test('RFC 6120 §4.4 who said goodbye does not come back, though the connection broke before the answer', async () => {
  scene = await startScene({ modules: [streamManagement], accounts: ['juliet@capulet.example'] });
  const services = c2sServices(scene);
  const visitor = new Visitor(services);
  await visitor.logIn('capulet.example', 'juliet', 'secret');
  visitor.say(BIND);
  await visitor.hear(/hall<\/jid>/);
  visitor.say("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
  await visitor.hear(/<enabled /);
  const [session] = services.sessions.all();
  const kept = deferred<void>();
  if (!(session instanceof ClientSession)) throw new Error('no session');
  session.owe(kept.promise);
  visitor.say('</stream:stream>');
  await once(visitor.destroy(), 'close');
  kept.resolve();
  await expect.poll(() => services.sessions.size).toBe(0);
});
