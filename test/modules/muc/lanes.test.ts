/** What rooms send takes its time, and whom it is for goes meanwhile: nothing waits for itself. */
import { afterEach, expect, test } from 'vitest';
import { verdict } from '../../../src/core/hooks.ts';
import { defineModule } from '../../../src/core/module.ts';
import { deferred } from '../../../src/kit/deferred.ts';
import { archive } from '../../../src/modules/archive/index.ts';
import { disco } from '../../../src/modules/disco/index.ts';
import { muc } from '../../../src/modules/muc/index.ts';
import { presence } from '../../../src/modules/presence/index.ts';
import { roster } from '../../../src/modules/roster/index.ts';
import { COVEN, calm, enter, type House, makeRoom, openHouse, WITCHES } from './house.ts';

let house: House;
afterEach(() => house.scene.stop());

test('XEP-0045 §7.14 whose connection ends while a room speaks to him has left, and comes back', async () => {
  let isSlow = false;
  const way = deferred<void>();
  /** Something that is looked up before a message reaches its account, and takes its time. */
  const slow = defineModule({
    name: 'slow',
    specs: [],
    setup: () => ({
      hooks: {
        toAccount: (stanza) =>
          isSlow && stanza.kind === 'message' && stanza.to === WITCHES.hag66
            ? way.promise.then(() => verdict.pass)
            : verdict.pass,
      },
    }),
  });
  house = await openHouse({}, { modules: [roster, presence, archive, disco, muc, slow] });
  const { scene, crone1, hag66 } = house;
  await makeRoom(crone1, 'firstwitch');
  await enter(hag66, 'thirdwitch');
  isSlow = true;
  for (const text of ['one', 'two'])
    await crone1.send(`<message to='${COVEN}' type='groupchat'><body>${text}</body></message>`);
  const left = hag66.disconnect({ kind: 'lost', text: 'gone' });
  way.resolve();
  await calm(scene);
  expect(crone1.inbox.at(-1)?.attrs).toMatchObject({
    from: `${COVEN}/thirdwitch`,
    type: 'unavailable',
  });
  const isOver = await Promise.race([left.then(() => true), calm(scene).then(() => false)]);
  expect(isOver).toBe(true);
});
