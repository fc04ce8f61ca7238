/** The parser of `@xmpp/xml`, which has no types of its own: an independent judge of what we write. */
declare module '@xmpp/xml' {
  import type { Element } from 'ltx';

  export class Parser {
    on(event: 'start' | 'element', heard: (element: Element) => void): void;
    on(event: 'end', heard: () => void): void;
    on(event: 'error', heard: (error: Error) => void): void;
    write(text: string): void;
  }
}
