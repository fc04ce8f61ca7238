/** One port for all: clients and servers that are not ours come by it, by STARTTLS and by TLS at once. */
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { BROWSER_ARGS } from '../browser/arguments.ts';
import { startEjabberd } from '../support/ejabberd.ts';
import type { OtherServer } from '../support/other-server.ts';
import { describeWith, findChromium } from '../support/peers.ts';
import { DOMAIN, LOOPBACK, type Program, startProgram } from '../support/program.ts';
import { startProsody } from '../support/prosody.ts';
import {
  type Federation,
  type MemberOptions,
  startFederation,
} from '../support/several-servers.ts';
import { sendBy } from './go-sendxmpp.ts';
import { type People, peopleOn, WAYS } from './people.ts';
import { startProfanity } from './profanity.ts';
import { putStrophe, stepOf } from './strophe.ts';
import { askAcross, converse, coupleIn, proofs, THEIRS } from './two-domains.ts';

/** Programs start slowly where others work beside them. */
const SLOWLY = { timeout: 90_000 };
const CLIENTS = ['slixmpp', 'aioxmpp', 'go-sendxmpp', 'profanity', 'tmux', 'chromium'] as const;

describeWith(CLIENTS, 'clients by one port', () => {
  let program: Program;
  let people: People;
  beforeAll(async () => {
    const closed = { enabled: false };
    const started = await startProgram({
      listeners: {
        ...{
          c2s: closed,
          c2sTls: closed,
          s2s: closed,
          s2sTls: closed,
          http: closed,
          https: closed,
        },
        edge: { port: 0, interfaces: [LOOPBACK], enabled: true },
      },
    });
    const { edge } = started.ports;
    program = { ...started, ports: { ...started.ports, c2s: edge, c2sTls: edge } };
    people = peopleOn(program);
  });
  afterEach(() => people.leave());
  afterAll(() => program?.stop());

  // By TLS at once, aioxmpp says by ALPN what it wants; slixmpp, @xmpp/client and go-sendxmpp do not.
  test.each(WAYS)('slixmpp, aioxmpp, @xmpp/client and go-sendxmpp by %s', SLOWLY, async (way) => {
    const clients = [people.slixmpp(), people.aioxmpp(), people.xmppJs()];
    const robot = await people.person('robot');
    for (const client of clients) {
      const person = await people.person('someone');
      await client.login(person, way);
      if (client !== clients[1]) await client.ask('presence');
      const sent = await sendBy(program, way, { from: robot, to: person, body: 'By one port' });
      expect(sent, sent.stderr).toMatchObject({ code: 0 });
      await client.sees({ event: 'message', body: 'By one port' });
    }
  });

  test('Profanity by STARTTLS, and by TLS at once', SLOWLY, async () => {
    const juliet = await people.person('juliet');
    const profanity = await startProfanity(join(program.folder, 'profanity'));
    try {
      for (const policy of ['force', 'legacy']) {
        await profanity.type(
          `/connect ${juliet.jid} server ${DOMAIN} port ${program.ports.edge} tls ${policy}`,
        );
        await profanity.shows(/Enter password/);
        await profanity.type(juliet.password);
        if (policy === 'force') {
          await profanity.shows(/Use '\/tls always' to accept this certificate/);
          await profanity.type('/tls always');
        }
        await profanity.shows(/logged in successfully, online/);
        await profanity.type('/disconnect');
        await profanity.shows(/logged out successfully/);
        await profanity.type('/clear');
      }
    } finally {
      await profanity.stop();
    }
  });

  test(
    'strophe.js by WebSocket and by BOSH, the one by HTTP/1.1 and the other by HTTP/2',
    SLOWLY,
    async () => {
      const { jid, password } = await people.person('romeo');
      const browser = await chromium.launch({
        ...{ executablePath: findChromium() ?? '', args: BROWSER_ARGS },
      });
      try {
        const page = await browser.newPage({ ignoreHTTPSErrors: true, bypassCSP: true });
        const place = `${DOMAIN}:${program.ports.edge}`;
        await page.goto(`https://${place}/healthz`);
        await putStrophe(page);
        for (const service of [`wss://${place}/xmpp-websocket`, `https://${place}/http-bind`]) {
          await stepOf(page, 'login', service, jid, password);
          expect(await stepOf(page, 'say', ['one', 'two ☾'])).toEqual(['one', 'two ☾']);
          expect(await stepOf(page, 'leave')).toBe(true);
        }
        const spoken = await page.evaluate(() =>
          performance.getEntries().flatMap((entry) => {
            const protocol = Reflect.get(entry, 'nextHopProtocol');
            return entry.name.endsWith('/http-bind') ? [protocol] : [];
          }),
        );
        expect(new Set(spoken)).toEqual(new Set(['h2']));
      } finally {
        await browser.close();
      }
    },
  );
});

describeWith(['prosody', 'lua-unbound', 'ejabberd'], 'servers by one port', () => {
  let federation: Federation | undefined;
  let other: OtherServer | undefined;
  afterEach(async () => {
    await other?.stop();
    await federation?.stop();
    [other, federation] = [undefined, undefined];
  });

  const meet = async (
    start: typeof startProsody | typeof startEjabberd,
    found: NonNullable<MemberOptions['found']>,
  ) => {
    const opened = await startFederation();
    federation = opened;
    const ours = { machine: 'localhost', found, byEdge: true, config: { edge: {} } };
    return coupleIn(opened, { ...ours, s2s: { bidi: false } }, async () => {
      const options = { domain: THEIRS, accounts: ['juliet'], secureAuth: true };
      other = await start(opened, options);
      return other;
    });
  };

  test.each([
    ['Prosody', 'starttls', startProsody],
    ['Prosody', 'direct', startProsody],
    ['ejabberd', 'starttls', startEjabberd],
    ['ejabberd', 'direct', startEjabberd],
  ] as const)('%s, found by %s', SLOWLY, async (_, found, start) => {
    const both = await meet(start, found);
    await converse(both);
    await askAcross(both);
    expect(proofs(both.server)).toEqual(['in external', 'out external']);
  });
});
