/** XEP-0386 §3.2: the archive in the step in which a session is bound, and what was kept for it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { modules } from '../../src/modules/index.ts';
import { childOf, type Element, serialise } from '../../src/xml/element.ts';
import { type Actor, type Scene, startScene } from '../support/scene.ts';
import { askArchive } from './archive/support.ts';

const JULIET = 'juliet@capulet.example';
const ROMEO = 'romeo@montague.example';
const MAM = 'urn:xmpp:mam:2';
const NEVER = "<prefs xmlns='urn:xmpp:mam:2' default='never'><always/><never/></prefs>";

let scene: Scene;
let romeo: Actor;
const start = async (settings: Readonly<Record<string, unknown>> = {}) => {
  scene = await startScene({ modules, accounts: [JULIET, ROMEO], settings });
  romeo = await scene.connect(`${ROMEO}/orchard`);
};
afterEach(() => scene.stop());

const chat = (text: string) =>
  romeo.send(`<message to='${JULIET}' type='chat' id='${text}'><body>${text}</body></message>`);

/** Binds as XEP-0386 does; answers the session and what `<bound/>` holds. */
async function bind(): Promise<{ juliet: Actor; results: Element[] }> {
  const juliet = await scene.connect(`${JULIET}/balcony`, { isBind2: true });
  const features = scene.hosts.get(juliet.session.host)?.dispatch.bindFeatures ?? [];
  const begun = features.map((feature) => feature.bind(juliet.session, undefined));
  const results = (await Promise.all(begun)).filter((result) => result !== undefined);
  return { juliet, results };
}

/** The ids of the messages that a session is given when it comes. */
async function given(juliet: Actor): Promise<(string | undefined)[]> {
  await juliet.send('<presence/>');
  await juliet.ask('get', "<ping xmlns='urn:xmpp:ping'/>", 'capulet.example');
  return juliet.inbox.flatMap(({ name, attrs }) => (name === 'message' ? [attrs.id] : []));
}

describe('with an archive', () => {
  beforeEach(() => start());

  test('an empty one is told as empty', async () => {
    const { results } = await bind();
    expect(results.map(serialise)).toEqual([`<metadata xmlns="${MAM}"/>`]);
  });

  test('what was kept stands in the archive that is told, and is not given again', async () => {
    for (const text of ['one', 'two', 'three']) await chat(text);
    const { juliet, results } = await bind();
    const [metadata] = results;
    if (metadata === undefined) expect.fail('no metadata');
    expect(await given(juliet)).toEqual([]);
    const { ids, bodies } = await askArchive(juliet);
    expect(bodies).toEqual(['one', 'two', 'three']);
    expect(childOf(metadata, 'start', MAM)?.attrs.id).toBe(ids.at(0));
    expect(childOf(metadata, 'end', MAM)?.attrs.id).toBe(ids.at(-1));
  });

  test('what comes after the session was bound is given, once', async () => {
    await chat('before');
    const { juliet } = await bind();
    await chat('after');
    expect(await given(juliet)).toEqual(['after']);
  });

  test('what is not in the archive is given as ever', async () => {
    const owner = await scene.connect(`${JULIET}/prefs`);
    await owner.ask('set', NEVER);
    await owner.disconnect();
    await chat('not archived');
    const { juliet } = await bind();
    expect(await given(juliet)).toEqual(['not archived']);
  });

  test('an id of the archive that a stranger made up is no reason not to give a message', async () => {
    const owner = await scene.connect(`${JULIET}/prefs`);
    await owner.ask('set', NEVER);
    await owner.disconnect();
    const spoofed = `<stanza-id xmlns='urn:xmpp:sid:0' by='${JULIET}' id='x'/>`;
    await romeo.send(
      `<message to='${JULIET}' type='chat' id='sly'><body>x</body>${spoofed}</message>`,
    );
    const { juliet } = await bind();
    expect(await given(juliet)).toEqual(['sly']);
  });
});

test('with no archive there is none to be told of, and what was kept is given', async () => {
  await start({ archive: false });
  await chat('kept');
  const { juliet, results } = await bind();
  expect(results).toEqual([]);
  expect(await given(juliet)).toEqual(['kept']);
});
