/**
 * A device of a user, as a good client is: it counts, acknowledges, resumes, and sends again what was
 * not acknowledged (XEP-0198). It remembers what it read, in order.
 */
import type { Element } from '../../src/xml/element.ts';
import { Client, loggedIn, textIn } from './client.ts';

const SM = "xmlns='urn:xmpp:sm:3'";
const CARBONS = "<iq type='set' id='carbons'><enable xmlns='urn:xmpp:carbons:2'/></iq>";

/** Whose device it is, and how it behaves. */
export interface DeviceOptions {
  readonly user: string;
  readonly password: string;
  readonly resource: string;
  /** Whether it uses stream management. */
  readonly isManaged: boolean;
  /** Whether it wants carbon copies (XEP-0280). */
  readonly hasCarbons?: boolean;
  /** The domain of the account; `localhost` if absent. */
  readonly domain?: string;
}

/** A message as an archive has it. */
export interface Archived {
  /** Its id in the archive. */
  readonly id: string;
  readonly text: string;
}

/** A device. */
export class Device {
  readonly name: string;
  readonly jid: string;
  /** The messages that it read, as often as it read them; late ones say when they came first. */
  readonly read: { readonly text: string; readonly isLate: boolean }[] = [];
  /** The ids of the messages that came back to it with an error. */
  readonly returned: string[] = [];
  #isTalkative = true;
  /** Whether it was asked what it has, and did not say. */
  #owesAnswer = false;
  readonly #options: DeviceOptions;
  readonly #domain: string;
  #client: Client | undefined;
  #resumeId: string | undefined;
  #handled = 0;
  /** What it sent and was not acknowledged. */
  #unacknowledged: string[] = [];
  #acknowledged = 0;
  #pings = 0;
  #wake: () => void = () => {};
  #answered = new Set<string>();
  #archived: Archived[] = [];
  /** Whether the last page that came was the last one of the archive. */
  #isArchiveRead = false;

  constructor(options: DeviceOptions) {
    this.#options = options;
    this.#domain = options.domain ?? 'localhost';
    this.name = `${options.user}/${options.resource}`;
    this.jid = `${options.user}@${this.#domain}/${options.resource}`;
  }

  /** Whether it is connected. */
  get isConnected(): boolean {
    return this.#client?.isClosed === false;
  }

  /** Whether it answers requests for acknowledgement; one that begins to, answers the last one. */
  get isTalkative(): boolean {
    return this.#isTalkative;
  }

  set isTalkative(isTalkative: boolean) {
    this.#isTalkative = isTalkative;
    if (isTalkative && this.#owesAnswer && this.isConnected && this.#client !== undefined)
      this.#answer(this.#client);
  }

  /** How many of its stanzas wait to be acknowledged. */
  get waiting(): number {
    return this.#unacknowledged.length;
  }

  /** Connects, resumes if it can, and sends again what is not acknowledged. */
  async connect(port: number): Promise<void> {
    const { user, password, resource, isManaged } = this.#options;
    const place = { port, to: this.#domain, tls: { servername: this.#domain } };
    if (this.#resumeId !== undefined) {
      const client = await Client.connect(place);
      await client.open();
      const said = await client.plain(user, password);
      if (said.name !== 'success') throw new Error(`no success but ${said}`);
      await client.open();
      const answer = await client.ask(
        `<resume ${SM} previd='${this.#resumeId}' h='${this.#handled}'/>`,
      );
      if (answer.name === 'resumed') {
        this.#take(Number(answer.attrs['h']));
        this.#begin(client);
        return;
      }
      this.#resumeId = undefined;
      if (answer.attrs['h'] !== undefined) this.#take(Number(answer.attrs['h']));
      await client.bind(resource);
      await this.#enter(client);
      return;
    }
    const client = await loggedIn({ ...place, user, password, resource });
    if (isManaged) await this.#enter(client);
    else {
      this.#unacknowledged = [];
      client.send(this.#greeting().join(''));
      this.#begin(client);
    }
  }

  /** Sends a message; it is sent again until it is acknowledged. */
  say(to: string, text: string): void {
    const stanza = `<message to='${to}' type='chat' id='${text}'><body>${text}</body><origin-id xmlns='urn:xmpp:sid:0' id='${text}'/></message>`;
    if (this.#options.isManaged) this.#unacknowledged.push(stanza);
    if (this.isConnected) this.#client?.send(stanza);
  }

  /** Sends something that is no message, and counts if it does. */
  send(stanza: string): void {
    if (this.#options.isManaged) this.#unacknowledged.push(stanza);
    if (this.isConnected) this.#client?.send(stanza);
  }

  /** Says whether its user looks at it (XEP-0352). */
  look(isActive: boolean): void {
    const state = isActive ? 'active' : 'inactive';
    if (this.isConnected) this.#client?.send(`<${state} xmlns='urn:xmpp:csi:0'/>`);
  }

  /** Asks for an acknowledgement. */
  request(): void {
    if (this.#options.isManaged && this.isConnected) this.#client?.send(`<r ${SM}/>`);
  }

  /** Breaks the connection. */
  cut(): void {
    this.#client?.reset();
    this.#client = undefined;
  }

  /** Says goodbye: the session is over. */
  async leave(): Promise<void> {
    const client = this.#client;
    if (client === undefined || client.isClosed) return;
    client.send(
      this.#options.isManaged
        ? `<a ${SM} h='${this.#handled}'/></stream:stream>`
        : '</stream:stream>',
    );
    await client.closed();
    this.#client = undefined;
    this.#resumeId = undefined;
  }

  /** Waits until the server has handled, and this device read, all that was sent before. */
  async settle(): Promise<void> {
    this.#pings += 1;
    const id = `settle-${this.#pings}`;
    this.send(`<iq type='get' id='${id}' to='${this.#domain}'><ping xmlns='urn:xmpp:ping'/></iq>`);
    this.request();
    while (!this.#answered.has(id) || (this.#options.isManaged && this.waiting > 0)) {
      if (!this.isConnected) throw new Error(`${this.name} was disconnected`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      if (this.#answered.has(id) && this.waiting > 0) this.request();
    }
  }

  /** Reads the whole archive of its account (XEP-0313), page by page. */
  async archive(): Promise<readonly Archived[]> {
    this.#archived = [];
    for (let after = ''; ; ) {
      this.#pings += 1;
      const id = `archive-${this.#pings}`;
      this.send(
        `<iq type='set' id='${id}'><query xmlns='urn:xmpp:mam:2'>` +
          `<set xmlns='http://jabber.org/protocol/rsm'><max>250</max>${after}</set></query></iq>`,
      );
      while (!this.#answered.has(id)) {
        if (!this.isConnected) throw new Error(`${this.name} was disconnected`);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      if (this.#isArchiveRead) return this.#archived;
      after = `<after>${this.#archived.at(-1)?.id ?? ''}</after>`;
    }
  }

  /** A new session. */
  async #enter(client: Client): Promise<void> {
    client.send(`<enable ${SM} resume='true'/>`);
    // It has its address already: a message to that may come before the answer.
    const enabled = await client.seek((element) => {
      if (element.name === 'message') this.#hear(element, client);
      return element.name === 'enabled' || element.name === 'failed';
    });
    if (enabled.name === 'failed') throw new Error(`not enabled: ${enabled}`);
    this.#resumeId = enabled.attrs['id'];
    this.#handled = 0;
    this.#acknowledged = 0;
    const greeting = this.#greeting();
    client.send(greeting.join(''));
    // What was perhaps lost with the last session is sent again, and says so (XEP-0203): whoever has
    // read later ones meanwhile can put it where it belongs.
    this.#unacknowledged = [...greeting, ...this.#unacknowledged.map(late)];
    this.#begin(client, greeting.length);
  }

  /** What a new session begins with. */
  #greeting(): readonly string[] {
    return this.#options.hasCarbons === true ? [CARBONS, '<presence/>'] : ['<presence/>'];
  }

  /** Sends again what is not acknowledged, from one on, and reads on. */
  #begin(client: Client, from = 0): void {
    this.#client = client;
    this.#owesAnswer = false;
    for (const stanza of this.#unacknowledged.slice(from)) client.send(stanza);
    void this.#pump(client);
  }

  #answer(client: Client): void {
    this.#owesAnswer = false;
    client.send(`<a ${SM} h='${this.#handled}'/>`);
  }

  #take(handled: number): void {
    const count = handled - this.#acknowledged;
    if (count < 0 || count > this.#unacknowledged.length)
      throw new Error(`${this.name}: ${handled} acknowledged, ${this.#acknowledged} before`);
    this.#unacknowledged = this.#unacknowledged.slice(count);
    this.#acknowledged = handled;
  }

  async #pump(client: Client): Promise<void> {
    while (!client.isClosed) {
      const element = await client.next().catch(() => undefined);
      if (element !== undefined && client === this.#client) this.#hear(element, client);
      this.#wake();
    }
    this.#wake();
  }

  #hear(element: Element, client: Client): void {
    switch (element.name) {
      case 'r':
        if (this.#isTalkative) this.#answer(client);
        else this.#owesAnswer = true;
        break;
      case 'a':
        this.#take(Number(element.attrs['h']));
        break;
      case 'message': {
        this.#handled += 1;
        const result = below(element, 'result');
        if (result?.attrs['xmlns'] === 'urn:xmpp:mam:2') {
          const text = below(result, 'forwarded', 'message', 'body');
          this.#archived.push({
            id: result.attrs.id ?? '',
            text: text === undefined ? '' : textIn(text),
          });
          break;
        }
        if (element.attrs.type === 'error') this.returned.push(element.attrs.id ?? '');
        const copy = below(element, 'received', 'forwarded', 'message');
        const body = below(copy ?? element, 'body');
        if (body !== undefined && element.attrs.type !== 'error') {
          const isLate = element.children.some(
            (child) => typeof child !== 'string' && child.name === 'delay',
          );
          this.read.push({ text: textIn(body), isLate });
        }
        break;
      }
      case 'iq':
        this.#handled += 1;
        this.#isArchiveRead = below(element, 'fin')?.attrs['complete'] === 'true';
        if (element.attrs.id !== undefined) this.#answered.add(element.attrs.id);
        break;
      case 'presence':
        this.#handled += 1;
        break;
    }
  }
}

/** A message that is sent again says when it was sent first; once is enough. */
function late(stanza: string): string {
  if (!stanza.startsWith('<message') || stanza.includes('<delay')) return stanza;
  const delay = `<delay xmlns='urn:xmpp:delay' stamp='${new Date().toISOString()}'/>`;
  return stanza.replace(/<\/message>$/, `${delay}</message>`);
}

/** What stands in an element under these names, one in the other. */
function below(element: Element, ...names: string[]): Element | undefined {
  return names.reduce<Element | undefined>(
    (above, name) =>
      above?.children.find(
        (child): child is Element => typeof child !== 'string' && child.name === name,
      ),
    element,
  );
}
