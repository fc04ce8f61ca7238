import { readFileSync } from 'node:fs';
import { release, type } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { disco } from '../../src/modules/disco/index.ts';
import { roster } from '../../src/modules/roster/index.ts';
import { Version, version } from '../../src/modules/version.ts';
import { childrenOf } from '../../src/xml/element.ts';
import { resultIn } from '../support/answers.ts';
import { type Scene, startScene } from '../support/scene.ts';

describe('XEP-0092: Software Version', () => {
  let scene: Scene;
  afterEach(() => scene.stop());
  const ask = async (settings: Record<string, unknown>) => {
    scene = await startScene({ modules: [version], accounts: ['romeo@montague.net'], settings });
    const romeo = await scene.connect('romeo@montague.net/orchard');
    const query = "<query xmlns='jabber:iq:version'/>";
    const answer = await romeo.ask('get', query, 'montague.net');
    return childrenOf(answer).map((child) => Version.decode(child))[0];
  };

  test('§3 name and version are those of the program', async () => {
    const file = new URL('../../package.json', import.meta.url);
    const described = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
    const told = await ask({});
    expect(told).toEqual({ name: 'rtcd', version: described.version, os: undefined });
  });

  test('§5 the operating system is told only if the admin wants it', async () => {
    const told = await ask({ version: { showOs: true } });
    expect(told?.os).toBe(`${type()} ${release()}`);
  });

  test('XEP-0232 §2 it is also in disco#info, on the same terms', async () => {
    for (const showOs of [false, true]) {
      await scene?.stop();
      scene = await startScene({
        modules: [roster, disco, version],
        accounts: ['romeo@montague.net'],
        settings: { version: { showOs } },
      });
      const romeo = await scene.connect('romeo@montague.net/orchard');
      const query = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
      const info = resultIn(await romeo.ask('get', query, 'montague.net'));
      expect(info).toContain('<value>urn:xmpp:dataforms:softwareinfo</value>');
      expect(info).toContain('<field var="software"><value>rtcd</value></field>');
      expect(info.includes(`<field var="os"><value>${type()}</value></field>`)).toBe(showOs);
    }
  });
});
