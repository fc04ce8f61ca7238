/**
 * An `@xmpp/client` program that is steered by lines of JSON; see test/support/client-program.ts.
 * The server's certificate is verified: NODE_EXTRA_CA_CERTS names the one to trust.
 */
import { createInterface } from 'node:readline';
import { client, jid, xml } from '@xmpp/client';

const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const bare = (address) => jid(address).bare().toString();

/** @type {ReturnType<typeof client>} */
let xmpp;
/** The SASL mechanism of the last login. */
let mechanism;

function seen(stanza) {
  const from = stanza.attrs.from ?? '';
  const common = { from, sender: from && bare(from), type: stanza.attrs.type ?? null };
  if (stanza.is('message')) {
    const delay = stanza.getChild('delay', 'urn:xmpp:delay');
    const stamp = delay?.attrs.stamp ?? null;
    tell({ event: 'message', ...common, body: stanza.getChildText('body'), stamp });
  } else if (stanza.is('presence')) {
    const type = common.type ?? 'available';
    const [show, status] = ['show', 'status'].map((name) => stanza.getChildText(name));
    tell({ event: 'presence', ...common, type, show, status });
  }
}

/**
 * Starts, and answers the address. `start` misses the header of a server that is faster than the
 * callback of its own write, and then gives up, though all goes on.
 */
function started() {
  return new Promise((resolve, reject) => {
    xmpp.once('online', resolve);
    xmpp.start().catch((error) => error.name !== 'TimeoutError' && reject(error));
  });
}

/** What can be asked for. */
const requests = {
  async login({ service, domain, username, password, resource, agent, token }) {
    const userAgent = agent && xml('user-agent', { id: agent });
    xmpp = client({ service, domain, username, password, resource, userAgent });
    xmpp.reconnect.stop(); // a test wants the first outcome
    xmpp.on('send', (element) => {
      if (element.is('auth') || element.is('authenticate')) mechanism = element.attrs.mechanism;
    });
    if (token) await xmpp.fast.saveToken(token);
    xmpp.on('stanza', seen);
    xmpp.on('error', () => {}); // `start` rejects with it
    xmpp.on('disconnect', () => tell({ event: 'disconnected' }));
    const address = await started();
    const tls = xmpp.socket.socket.getProtocol();
    return { jid: address.toString(), tls, mechanism, token: await xmpp.fast.fetchToken() };
  },
  /** Breaks the connection and comes back; answers how. */
  async comeBack() {
    const back = new Promise((resolve) => xmpp.streamManagement.once('resumed', resolve));
    xmpp.reconnect.delay = 1;
    xmpp.reconnect.start();
    xmpp.socket.socket.destroy();
    await back;
    xmpp.reconnect.stop();
    return { jid: xmpp.jid.toString(), mechanism };
  },
  presence: ({ to, type, show, status }) => {
    const children = Object.entries({ show, status })
      .filter(([, text]) => text !== undefined)
      .map(([name, text]) => xml(name, {}, text));
    return xmpp.send(xml('presence', { to, type }, ...children));
  },
  message: ({ to, body, type = 'chat' }) =>
    xmpp.send(xml('message', { to, type }, xml('body', {}, body))),
  async roster() {
    const query = await xmpp.iqCaller.get(xml('query', 'jabber:iq:roster'));
    return query.getChildren('item').map(({ attrs }) => attrs);
  },
  ping: async ({ to }) => {
    await xmpp.iqCaller.get(xml('ping', 'urn:xmpp:ping'), to);
  },
  logout: async () => {
    await xmpp.stop();
  },
};

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, do: what, ...fields } = JSON.parse(line);
  try {
    tell({ id, ok: true, value: (await requests[what](fields)) ?? null });
  } catch (error) {
    tell({ id, ok: false, error: error.condition ?? (error.message || error.name) });
  }
});
