/**
 * What a web site includes to have the chat for its visitors: a button in the corner, which opens it.
 * Nothing of it meets the site's own styles, and it needs none that the site's policy would have to allow.
 */
(() => {
  const { title, colour } = JSON.parse('SETTINGS');
  const script = document.currentScript;
  if (script === null || document.getElementById('rtcd-support') !== null) return;
  const address = new URL('../support', script.src).href;
  const OPEN = 'rtcd-support';

  /** Whether it was open on the page before; a browser that keeps nothing begins with it closed. */
  const remembered = () => {
    try {
      return sessionStorage.getItem(OPEN) === 'open';
    } catch {
      return false;
    }
  };
  const remember = (isOpen) => {
    try {
      sessionStorage.setItem(OPEN, isOpen ? 'open' : 'closed');
    } catch {
      // It is closed on the next page.
    }
  };

  const make = (name, properties, attributes = {}) => {
    const element = Object.assign(document.createElement(name), properties);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const host = make('div', { id: 'rtcd-support' });
  const root = host.attachShadow({ mode: 'open' });
  const styles = new CSSStyleSheet();
  styles.replaceSync(`
    :host { all: initial; color-scheme: light dark; font: 1rem/1.4 system-ui, sans-serif; }
    button { border: 0; margin: 0; background: ${colour}; color: #fff; font: inherit; cursor: pointer; }
    button:focus-visible { outline: 3px solid #fff; outline-offset: -5px; }
    #opener { position: fixed; z-index: 2147483646; right: max(1rem, env(safe-area-inset-right));
      bottom: max(1rem, env(safe-area-inset-bottom)); padding: .8rem 1.3rem; border-radius: 2rem;
      font-weight: 600; box-shadow: 0 3px 14px rgb(0 0 0 / 35%); }
    #panel { position: fixed; z-index: 2147483647; right: 1rem; bottom: 1rem; display: flex;
      flex-direction: column; width: 24rem; height: min(36rem, calc(100vh - 2rem)); overflow: hidden;
      border-radius: .8rem; background: #fff; box-shadow: 0 6px 30px rgb(0 0 0 / 40%); }
    #head { display: flex; flex: none; align-items: center; background: ${colour}; color: #fff; }
    h2 { flex: 1; min-width: 0; margin: 0; padding: 0 1rem; overflow: hidden; font-size: 1.05rem;
      font-weight: 600; text-overflow: ellipsis; white-space: nowrap; }
    #closer { width: 3rem; height: 3rem; font-size: 1.5rem; line-height: 1; }
    iframe { flex: 1; width: 100%; min-height: 0; border: 0; }
    [hidden] { display: none !important; }
    @media (max-width: 600px) {
      #panel { inset: 0; width: auto; height: auto; border-radius: 0; padding-top: env(safe-area-inset-top); }
    }
    @media (prefers-color-scheme: dark) { #panel { background: #282a36; } }
    @media print { :host { display: none; } }
  `);
  root.adoptedStyleSheets = [styles];

  const opener = make(
    'button',
    { id: 'opener', type: 'button', textContent: title },
    { 'aria-expanded': 'false', 'aria-controls': 'panel', 'aria-haspopup': 'dialog' },
  );
  const panel = make(
    'div',
    { id: 'panel', hidden: true },
    { role: 'dialog', 'aria-labelledby': 'title' },
  );
  const head = make('div', { id: 'head' });
  const closer = make(
    'button',
    { id: 'closer', type: 'button', textContent: '×' },
    { 'aria-label': 'Close' },
  );
  head.append(make('h2', { id: 'title', textContent: title }), closer);
  panel.append(head);
  root.append(opener, panel);

  let frame;
  const show = (isOpen) => {
    // Who never opens it loads nothing, and is nobody's guest.
    if (isOpen && frame === undefined) {
      frame = make('iframe', { src: address, title });
      panel.append(frame);
    }
    panel.hidden = !isOpen;
    opener.hidden = isOpen;
    opener.setAttribute('aria-expanded', String(isOpen));
    remember(isOpen);
  };
  opener.addEventListener('click', () => {
    show(true);
    closer.focus();
  });
  const close = () => {
    show(false);
    opener.focus();
  };
  closer.addEventListener('click', close);
  panel.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') close();
  });

  const begin = () => {
    document.body.append(host);
    if (remembered()) show(true);
  };
  if (document.body === null) document.addEventListener('DOMContentLoaded', begin);
  else begin();
})();
