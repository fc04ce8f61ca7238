/** A session between its connections (XEP-0198 §5), with connections that a test holds in its hand. */
import { afterEach, expect, test } from 'vitest';
import type { Link } from '../../src/c2s/outlet.ts';
import { ClientSession } from '../../src/c2s/session.ts';
import { onIq, type Reply, reply } from '../../src/core/iq.ts';
import { defineModule } from '../../src/core/module.ts';
import { parseFull } from '../../src/jid/jid.ts';
import { deferred } from '../../src/kit/deferred.ts';
import { streamManagement } from '../../src/modules/stream-management.ts';
import { payload } from '../../src/xml/codec.ts';
import { c2sServices } from '../support/c2s.ts';
import { parse, type Scene, startScene } from '../support/scene.ts';

const JULIET = parseFull('juliet@capulet.example/hall');
if (!JULIET.ok) throw new Error(JULIET.why);
const SECURITY = { protocol: 'TLSv1.3', cipher: undefined, mechanism: 'PLAIN' } as const;
const RESUME_MS = 60_000;
const Slow = payload('slow', 'urn:example:slow', {});

let scene: Scene;
afterEach(() => scene.stop());

function connection() {
  const written: string[] = [];
  const link: Link = {
    id: 'stream',
    remote: '127.0.0.1',
    lastActive: scene.clock.now(),
    position: 0,
    waiting: 0,
    write: (text) => void written.push(text),
    allow: () => {},
    end: ({ condition }) => void written.push(`end ${condition}`),
    replaced: () => void written.push('replaced'),
    note: () => {},
  };
  return { link, written };
}

/** A managed session, of which an IQ is being handled until `answer` is called. */
async function busySession() {
  const answered = deferred<Reply>();
  const slow = defineModule({
    name: 'slow',
    specs: [],
    setup: () => ({ iq: [onIq('get', ['server'], Slow, () => answered.promise)] }),
  });
  scene = await startScene({
    modules: [streamManagement, slow],
    accounts: ['juliet@capulet.example'],
  });
  const services = c2sServices(scene, { resumeTimeout: RESUME_MS });
  if (!JULIET.ok) throw new Error(JULIET.why);
  const session = new ClientSession(connection().link, services, {
    jid: JULIET.value,
    isAnonymous: false,
    language: undefined,
    security: SECURITY,
    device: undefined,
    isBind2: false,
  });
  services.sessions.add(session);
  session.enable(parse("<enable xmlns='urn:xmpp:sm:3' resume='true'/>"));
  void session.receive(
    parse("<iq type='get' id='1' to='capulet.example'><slow xmlns='urn:example:slow'/></iq>"),
  );
  return { session, services, answer: () => answered.resolve(reply.result()) };
}

test('§5 of two that come back at once, one who counts wrongly leaves a session that sleeps', async () => {
  const { session, services, answer } = await busySession();
  const [first, second] = [connection(), connection()];
  const woken = session.wake(first.link, SECURITY, 0, () => {});
  const refused = session.wake(second.link, SECURITY, 7, () => {});
  answer();
  expect(await woken).toBeUndefined();
  expect(await refused).toMatchObject({ condition: 'undefined-condition' });
  expect(first.written).toContain('replaced');
  expect(session.isAttached).toBe(false);
  scene.clock.advance(RESUME_MS);
  services.sleepers.expire();
  expect(services.sessions.size).toBe(0);
});
