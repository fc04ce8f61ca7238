/** Sets Converse.js up for the host that the page is of, with the host's name and picture in place of its own. */
import converse from './converse.min.js';

const {
  name,
  files,
  logo,
  converse: ofHost,
} = JSON.parse(document.getElementById('settings').textContent);
const here = (path) => new URL(path, location.href);
const socket = here('xmpp-websocket');
socket.protocol = socket.protocol.replace('http', 'ws');

class Brand extends HTMLElement {
  connectedCallback() {
    const picture = document.createElement('img');
    picture.src = here(logo).href;
    picture.alt = '';
    const heading = document.createElement('h1');
    heading.textContent = name;
    this.replaceChildren(picture, heading);
  }
}

// Whoever defines an element first has it. The others lead to pages of Converse.js.
customElements.define('converse-brand-logo', Brand);
for (const element of ['converse-footer', 'converse-controlbox-navbar'])
  customElements.define(element, class extends HTMLElement {});

converse.initialize({
  ...ofHost,
  assets_path: here(files).pathname,
  websocket_url: socket.href,
  discover_connection_methods: false,
  view_mode: 'fullscreen',
  authentication: 'login',
  theme: 'classic',
  dark_theme: 'dracula',
  show_background: false,
  embed_3rd_party_media_players: false,
  muc_nickname_from_jid: true,
  muc_respect_autojoin: true,
  loglevel: 'warn',
});
