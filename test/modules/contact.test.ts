import { afterEach, describe, expect, test } from 'vitest';
import { contact } from '../../src/modules/contact.ts';
import { disco } from '../../src/modules/disco/index.ts';
import { roster } from '../../src/modules/roster/index.ts';
import { readForm } from '../../src/stanza/form.ts';
import { childrenOf } from '../../src/xml/element.ts';
import { type Scene, startScene } from '../support/scene.ts';

describe('XEP-0157: Contact Addresses', () => {
  let scene: Scene;
  afterEach(() => scene.stop());
  const formsWith = async (contacts: Record<string, string[]>) => {
    const accounts = ['bard@shakespeare.lit'];
    scene = await startScene({ modules: [roster, disco, contact], accounts, host: { contacts } });
    const bard = await scene.connect('bard@shakespeare.lit/globe');
    const query = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    const [info] = childrenOf(await bard.ask('get', query, 'shakespeare.lit'));
    return info === undefined ? [] : childrenOf(info).filter(({ name }) => name === 'x');
  };

  test('§3 the addresses stand in a form, each role in its field', async () => {
    const [form] = (
      await formsWith({
        abuse: ['mailto:abuse@shakespeare.lit', 'xmpp:abuse@shakespeare.lit'],
        admin: ['mailto:xmpp@shakespeare.lit', 'xmpp:admins@shakespeare.lit'],
        feedback: [],
        status: ['https://status.shakespeare.lit'],
      })
    ).map(readForm);
    expect(form).toMatchObject({
      type: 'result',
      formType: 'http://jabber.org/network/serverinfo',
      fields: [
        {
          name: 'abuse-addresses',
          values: ['mailto:abuse@shakespeare.lit', 'xmpp:abuse@shakespeare.lit'],
        },
        {
          name: 'admin-addresses',
          values: ['mailto:xmpp@shakespeare.lit', 'xmpp:admins@shakespeare.lit'],
        },
        { name: 'status-addresses', values: ['https://status.shakespeare.lit'] },
      ],
    });
  });

  test('without addresses there is no form', async () => {
    expect(await formsWith({})).toEqual([]);
  });
});
