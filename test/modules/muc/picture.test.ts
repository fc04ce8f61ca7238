/** XEP-0486: MUC Avatars; the examples in their order. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRoomTables } from '../../../src/modules/muc/tables.ts';
import { serialise } from '../../../src/xml/element.ts';
import { conditionIn, resultIn } from '../../support/answers.ts';
import { CHAT, COVEN, codesIn, enter, type House, join, makeRoom, openHouse } from './house.ts';

const SVG =
  'PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHdpZHRoPSIzMiIgaGVpZ2h0PSIzMiI+CiA8cmVjdCB4PSIwIiB5PSIwIiB3aWR0aD0iMzIiIGhlaWdodD0iMzIiIGZpbGw9InJlZCIvPgo8L3N2Zz4K';
const HASH = 'a31c4bd04de69663cfd7f424a8453f4674da37ff';
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAACAAAAAgAQMAAABJtOi3AAAAB3RJTUUH4ggVERoVAPsrMgAAAAlwSFlzAAALEgAACxIB0t1+/AAAABl0RVh0U29mdHdhcmUAd3d3Lmlua3NjYXBlLm9yZ5vuPBoAAAAEZ0FNQQAAsY8L/GEFAAAAIGNIUk0AAHomAACAhAAA+gAAAIDoAAB1MAAA6mAAADqYAAAXcJy6UTwAAAAGUExURf8AAP///0EdNBEAAAABYktHRAH/Ai3eAAAADElEQVQI12NgGNwAAACgAAFhJX1HAAAAAElFTkSuQmCC';
const PNG_HASH = 'b9b256f999ded52c2fa14fb007c2e5b979450cbb';
const photo = (type: string, data: string) =>
  `<PHOTO><TYPE>${type}</TYPE><BINVAL>${data}</BINVAL></PHOTO>`;
const card = (...photos: readonly string[]) =>
  `<vCard xmlns='vcard-temp'>${photos.join('')}</vCard>`;
const INFO = "<query xmlns='http://jabber.org/protocol/disco#info'/>";

describe('XEP-0486', () => {
  let house: House;
  beforeEach(async () => {
    house = await openHouse({ vcardSize: '4KiB' });
    await makeRoom(house.crone1, 'firstwitch', { persistentroom: '1' });
    await enter(house.hag66, 'thirdwitch', [house.crone1]);
  });
  afterEach(() => house.scene.stop());
  const publish = (...photos: readonly string[]) => house.crone1.ask('set', card(...photos), COVEN);

  test('§4.1 service and rooms say that they have them', async () => {
    for (const to of [CHAT, COVEN])
      expect(resultIn(await house.bard.ask('get', INFO, to))).toContain('var="vcard-temp"');
  });

  test('§4.2 to §4.4 an owner publishes one, all hear of it, and anyone sees it', async () => {
    const { crone1, hag66, bard } = house;
    expect(resultIn(await publish(photo('image/svg+xml', SVG)))).toBe('');
    expect(codesIn(hag66.inbox[0])).toEqual([104]);
    expect(hag66.inbox[0]?.attrs.type).toBe('groupchat');
    const info = resultIn(await bard.ask('get', INFO, COVEN));
    expect(info).toContain(
      `<field var="muc#roominfo_avatarhash" type="text-multi" label="Avatar hash"><value>${HASH}</value></field>`,
    );
    const found = await bard.ask('get', card(), COVEN);
    expect(resultIn(found)).toContain(`<TYPE>image/svg+xml</TYPE><BINVAL>${SVG}</BINVAL>`);
    const room = await createRoomTables(house.scene.store).load(COVEN as never);
    expect(room?.pictures, 'it survives a restart').toEqual([HASH]);
    crone1.inbox.length = 0;
  });

  test('§4.2 an empty one takes it away', async () => {
    await publish(photo('image/png', PNG));
    await publish();
    expect(resultIn(await house.bard.ask('get', INFO, COVEN))).not.toContain('avatarhash');
    expect(conditionIn(await house.bard.ask('get', card(), COVEN))).toBe('item-not-found');
  });

  test('§4.2 nobody else publishes one', async () => {
    const answer = await house.hag66.ask('set', card(photo('image/png', PNG)), COVEN);
    expect(conditionIn(answer)).toBe('forbidden');
    expect(serialise(answer)).toContain('Only owners are allowed to set avatars.');
    await house.crone1.nothing();
  });

  test('§6.1 several formats have a hash each', async () => {
    await publish(photo('image/svg+xml', SVG), photo('image/png', PNG));
    expect(resultIn(await house.bard.ask('get', INFO, COVEN))).toContain(
      `<value>${HASH}</value><value>${PNG_HASH}</value>`,
    );
  });

  test('one that is too large is refused, as is one of a room that is not there yet', async () => {
    expect(conditionIn(await publish(photo('image/png', 'A'.repeat(5000))))).toBe(
      'policy-violation',
    );
    await house.hecate.send(join('x', '', `new@${CHAT}`));
    house.hecate.inbox.length = 0;
    const early = await house.hecate.ask('set', card(photo('image/png', PNG)), `new@${CHAT}`);
    expect(conditionIn(early)).toBe('unexpected-request');
  });
});
