/*
 * What makes the console livelier; each page works without it. Elements say by data attributes what
 * they want: data-refresh, data-load, data-dialog, data-unless, data-copy, data-ago, data-watch,
 * data-examine, data-exact, data-scriptless, data-most.
 */

const csrf = document.querySelector('meta[name="csrf"]')?.content ?? '';

/**
 * Another page of the console as a document, of which a part is shown, so that messages that are shown once
 * wait for a whole one; undefined when it cannot be had.
 */
async function fetchPage(url) {
  const headers = { accept: 'text/html', 'x-part': 'yes' };
  const response = await fetch(url, { headers }).catch(() => undefined);
  if (response === undefined) return undefined;
  if (response.redirected && new URL(response.url).pathname === '/admin/sign-in') {
    location.reload(); // the session is over
    return undefined;
  }
  return new DOMParser().parseFromString(await response.text(), 'text/html');
}

/** Times in the reader's own zone. */
function localTimes(root) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
  for (const time of root.querySelectorAll('time[datetime]')) {
    const by = 'exact' in time.dataset ? exact : format;
    const text = by.format(new Date(time.dateTime));
    if ('ago' in time.dataset) time.title = text;
    else time.textContent = text;
  }
}

/** Replaces an element's content by that of the same element of another page. */
async function renew(element, url) {
  const page = await fetchPage(url);
  const next = page?.getElementById(element.id);
  if (next === null || next === undefined) return;
  // What somebody is about to use is not taken away from under his fingers.
  if (element.contains(document.activeElement) && element.childElementCount > 0) return;
  element.replaceChildren(...next.childNodes);
  if (next.dataset.refresh === undefined) delete element.dataset.refresh; // it is as it stays
  enhance(element);
}

function refreshing(root) {
  for (const element of root.querySelectorAll('[data-refresh]')) {
    const timer = setInterval(() => {
      if (element.dataset.refresh === undefined) return clearInterval(timer);
      const isBusy = document.hidden || document.querySelector('dialog[open]') !== null;
      if (!isBusy) void renew(element, location.href);
    }, Number(element.dataset.refresh) * 1000);
  }
}

async function loading(root) {
  for (const element of root.querySelectorAll('[data-load]')) {
    const { load } = element.dataset;
    const offer = [...element.childNodes];
    const waiting = document.createElement('p');
    waiting.className = 'quiet';
    waiting.textContent = 'Checking…';
    element.replaceChildren(waiting);
    await renew(element, load);
    if (element.contains(waiting)) element.replaceChildren(...offer);
  }
}

/** A page that asks first, as a dialog over the page that one is on. */
async function openDialog(link) {
  const page = await fetchPage(link.href);
  const content = page?.querySelector('[data-dialog-content]');
  if (content === null || content === undefined) {
    location.assign(link.href);
    return;
  }
  const dialog = document.createElement('dialog');
  dialog.append(content);
  const heading = dialog.querySelector('h1');
  heading.id = 'dialog-heading';
  dialog.setAttribute('aria-labelledby', heading.id);
  document.body.append(dialog);
  enhance(dialog);
  dialog.addEventListener('close', () => {
    dialog.remove();
    link.focus();
  });
  dialog.showModal();
}

function onClick(event) {
  const plain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey);
  if (!plain || !(event.target instanceof Element)) return;
  const opener = event.target.closest('a[data-dialog]');
  const closer = event.target.closest('dialog [data-dialog-close]');
  const copier = event.target.closest('[data-copy]');
  if (opener !== null) {
    event.preventDefault();
    void openDialog(opener);
  } else if (closer !== null) {
    event.preventDefault();
    closer.closest('dialog').close();
  } else if (copier !== null) {
    const text = copier.closest('.copyable').querySelector('pre').textContent;
    void navigator.clipboard.writeText(text).then(() => {
      copier.textContent = 'Copied';
    });
  }
}

/** Fields that a tick makes needless. */
function conditional(root) {
  for (const part of root.querySelectorAll('[data-unless]')) {
    const tick = part.closest('form')?.elements.namedItem(part.dataset.unless);
    if (tick === null || tick === undefined) continue;
    const apply = () => {
      part.hidden = tick.checked;
      for (const field of part.querySelectorAll('input')) field.disabled = tick.checked;
    };
    tick.addEventListener('change', apply);
    apply();
  }
}

/** Files that are larger than is taken: said before they are sent. */
function bounded(root) {
  for (const field of root.querySelectorAll('[data-most]'))
    field.addEventListener('change', () => {
      const isLarge = [...field.files].some(({ size }) => size > Number(field.dataset.most));
      field.setCustomValidity(isLarge ? 'This file is too large to be uploaded.' : '');
      field.reportValidity();
    });
}

function copying(root) {
  if (navigator.clipboard === undefined) return;
  for (const button of root.querySelectorAll('[data-copy]')) button.hidden = false;
}

const MAX_STANZAS = 500;

/** Lines of JSON as they arrive. */
async function* jsonLines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop();
    for (const line of lines) if (line !== '') yield JSON.parse(line);
  }
}

/** Runs a watch and hands on its values; answers the sentence of a refusal. */
async function watch(name, input, signal, { begun = () => {}, take }) {
  const response = await fetch(`/api/operations/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-csrf-token': csrf },
    body: JSON.stringify(input),
    signal,
  });
  if (!response.ok) return (await response.json()).text;
  begun();
  for await (const value of jsonLines(response.body)) take(value);
  return undefined;
}

function stanzaItem({ at, direction, xml }) {
  const item = document.createElement('li');
  const head = document.createElement('span');
  const text = document.createElement('pre');
  item.className = direction;
  head.className = 'quiet';
  const words = direction === 'in' ? 'From the client' : 'To the client';
  head.textContent = `${words}, ${new Date(at).toLocaleTimeString()}`;
  text.textContent = xml;
  item.append(head, text);
  return item;
}

function watching(form) {
  for (const note of document.querySelectorAll('[data-scriptless]')) note.hidden = true;
  const view = document.querySelector('[data-watch-view]');
  const list = document.querySelector('[data-watch-list]');
  const state = document.querySelector('[data-watch-state]');
  const stop = form.querySelector('[data-watch-stop]');
  let running;

  const look = async (signal) => {
    const fields = new FormData(form);
    const input = {
      jid: fields.get('jid'),
      seconds: Number(fields.get('seconds')),
      bodies: fields.get('bodies') === 'yes',
    };
    const said = await watch('watch.account', input, signal, {
      begun() {
        state.textContent = 'Watching. Stanzas appear here as they pass.';
      },
      take(entry) {
        list.prepend(stanzaItem(entry));
        if (list.childElementCount > MAX_STANZAS) list.lastElementChild.remove();
      },
    });
    return said ?? 'The time is over.';
  };

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    running?.abort();
    const mine = new AbortController();
    running = mine;
    list.replaceChildren();
    view.hidden = false;
    stop.hidden = false;
    state.textContent = 'Starting…';
    const said = await look(mine.signal).catch(() =>
      mine.signal.aborted ? 'It was stopped.' : 'The connection to the server broke.',
    );
    if (running !== mine) return;
    state.textContent = said;
    stop.hidden = true;
  });
  stop.addEventListener('click', () => running?.abort());
}

/** A step or an outcome as the page has it in a template. */
function stepNode(view, kind, { verdict, ...parts }, words) {
  const node = view.querySelector(`template[data-${kind}="${verdict}"]`).content.cloneNode(true);
  const shown = { ...parts, step: words[parts.step] ?? parts.step };
  for (const part of node.querySelectorAll('[data-part]'))
    part.textContent = shown[part.dataset.part] ?? '';
  const copyable = node.querySelector('.copyable pre');
  if (copyable !== null) copyable.textContent = parts.detail ?? '';
  if (parts.detail === undefined) node.querySelector('.copyable, .detail')?.remove();
  return node;
}

function examining(form) {
  const view = document.querySelector('[data-examine-view]');
  if (view === null) return;
  const list = view.querySelector('[data-examine-list]');
  const outcome = view.querySelector('[data-examine-outcome]');
  const state = view.querySelector('[data-examine-state]');
  const stop = form.querySelector('[data-examine-stop]');
  const words = JSON.parse(list.dataset.words);
  let running;

  const take = (step) => {
    if (step.step !== 'summary') {
      list.append(stepNode(view, 'step', step, words));
      return;
    }
    outcome.replaceChildren(stepNode(view, 'outcome', step, words));
    copying(outcome);
  };

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    running?.abort();
    const mine = new AbortController();
    running = mine;
    list.replaceChildren();
    outcome.replaceChildren();
    view.hidden = false;
    stop.hidden = false;
    state.textContent = 'Examining…';
    const fields = Object.fromEntries(new FormData(form));
    const said = await watch('s2s.test', fields, mine.signal, { take }).catch(() =>
      mine.signal.aborted ? 'It was stopped.' : 'The connection to the server broke.',
    );
    if (running !== mine) return;
    state.textContent = said ?? 'Done.';
    stop.hidden = true;
  });
  stop.addEventListener('click', () => running?.abort());
}

function enhance(root) {
  localTimes(root);
  conditional(root);
  bounded(root);
  copying(root);
}

document.addEventListener('click', onClick);
enhance(document);
refreshing(document);
void loading(document);
const watchForm = document.querySelector('[data-watch]');
if (watchForm !== null) watching(watchForm);
const examineForm = document.querySelector('[data-examine]');
if (examineForm !== null) examining(examineForm);
