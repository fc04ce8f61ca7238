/** Sets Converse.js up as the chat of a visitor: a guest, in a room of his own, who is the same on the next page. */

const { domain, files } = JSON.parse(document.getElementById('settings').textContent);
const here = (path) => new URL(path, location.href);
const socket = here('xmpp-websocket');
socket.protocol = socket.protocol.replace('http', 'ws');

const NICK = 'support-nick';
const JID = 'support-jid';
const ROOM = 'support-room';
const TRIES = 'support-tries';

/** Whether the browser keeps anything for us: some do not in a page of another site. */
function hasStorage() {
  try {
    return sessionStorage !== null && localStorage !== null;
  } catch {
    return false;
  }
}

function newNick() {
  const [random] = crypto.getRandomValues(new Uint32Array(1));
  return `Visitor ${1000 + (random % 9000)}`;
}

/** The room of the visitor's conversation; undefined, and he is told, if he cannot have one. */
async function conversation(nick) {
  const room = sessionStorage.getItem(ROOM) ?? undefined;
  const answer = await fetch(here('support/conversation'), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ nick, room }),
  }).catch(() => undefined);
  if (answer?.ok !== true) {
    say(
      answer?.status === 403
        ? 'This chat is closed for you for now.'
        : 'Nobody can be reached here just now. Please try again in some minutes.',
    );
    return undefined;
  }
  const found = await answer.json();
  sessionStorage.setItem(ROOM, found.room);
  return found.room;
}

/** Says something in place of the chat. */
function say(text) {
  const words = document.createElement('p');
  words.setAttribute('role', 'status');
  words.textContent = text;
  document.getElementById('greeting').hidden = true;
  document.getElementById('chat').replaceChildren(words);
}

/** Converse.js cannot do without: in a window of its own it has what it needs. */
function offerWindow() {
  const link = document.createElement('a');
  Object.assign(link, { href: location.href, target: '_blank', rel: 'noopener' });
  link.textContent = 'Open the chat in a window of its own';
  document.getElementById('chat').replaceChildren(link);
}

/**
 * The connection is lost: as soon as the server is there, the page is loaded anew and comes back into its
 * session. Converse.js itself would begin as another guest.
 */
async function comeBack(session) {
  session?.save({ active: false });
  const tries = Number(sessionStorage.getItem(TRIES) ?? 0);
  sessionStorage.setItem(TRIES, String(tries + 1));
  const pause = Math.min(60_000, 2000 * 2 ** tries);
  const isThere = () =>
    fetch(location.href, { method: 'HEAD', cache: 'no-store' }).then(
      ({ ok }) => ok,
      () => false,
    );
  do await new Promise((resolve) => setTimeout(resolve, pause));
  while (!(await isThere()));
  location.reload();
}

async function start() {
  const nick = localStorage.getItem(NICK) ?? newNick();
  localStorage.setItem(NICK, nick);
  const room = await conversation(nick);
  if (room === undefined) return;
  const { default: converse } = await import('./converse.min.js');
  const jid = sessionStorage.getItem(JID);

  /** Also for who has an address: that of the session to which he comes back (XEP-0198). */
  class Returning extends converse.env.Strophe.SASLAnonymous {
    test() {
      return true;
    }
  }

  converse.plugins.add('support', {
    initialize() {
      const { _converse } = this;
      const { api } = _converse;
      api.listen.on('connectionInitialized', () => {
        api.connection.get().reconnect = () => comeBack(_converse.session);
      });
      api.listen.on('beforeResourceBinding', () => {
        // It was made lower case, and a resource is not.
        if (jid !== null) api.connection.get().jid = jid;
      });
      api.listen.on('connected', () => {
        sessionStorage.setItem(JID, api.connection.get().jid);
        sessionStorage.removeItem(TRIES);
      });
      api.listen.on('disconnected', () => comeBack());
      api.listen.on('getToolbarButtons', () => []);
    },
  });

  // Others lead out of the chat.
  for (const element of ['converse-footer', 'converse-controlbox-navbar', 'converse-muc-heading'])
    customElements.define(element, class extends HTMLElement {});

  converse.initialize({
    assets_path: here(files).pathname,
    websocket_url: socket.href,
    discover_connection_methods: false,
    connection_options: { mechanisms: [Returning] },
    view_mode: 'embedded',
    singleton: true,
    authentication: 'anonymous',
    auto_login: true,
    jid: jid ?? domain,
    nickname: nick,
    auto_join_rooms: [{ jid: room, nick }],
    locked_muc_domain: 'hidden',
    muc_domain: room.split('@')[1],
    muc_nickname_from_jid: true,
    locked_muc_nickname: true,
    auto_register_muc_nickname: false,
    muc_fetch_members: false,
    muc_show_info_messages: [],
    hide_muc_participants: true,
    allow_contact_requests: false,
    allow_adhoc_commands: false,
    allow_bookmarks: false,
    allow_url_history_change: false,
    persistent_store: 'sessionStorage',
    visible_toolbar_buttons: { emoji: false, call: false, spoiler: false, toggle_occupants: false },
    whitelisted_plugins: ['support'],
    blacklisted_plugins: [
      'converse-adhoc-views',
      'converse-omemo',
      'converse-omemo-views',
      'converse-push',
      'converse-profile',
      'converse-roomslist',
      'converse-minimize',
      'converse-dragresize',
    ],
    theme: 'classic',
    dark_theme: 'dracula',
    show_background: false,
    embed_3rd_party_media_players: false,
    loglevel: 'warn',
  });
}

if (hasStorage()) void start();
else offerWindow();
