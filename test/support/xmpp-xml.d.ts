/** The parser of `@xmpp/xml`, which has no types of its own: an independent judge of what we write. */
declare module '@xmpp/xml/lib/Parser.js' {
  import type { Element } from 'ltx';

  class Parser {
    on(event: 'start' | 'element', heard: (element: Element) => void): void;
    on(event: 'end', heard: () => void): void;
    on(event: 'error', heard: (error: Error) => void): void;
    write(text: string): void;
  }

  export { Parser as default };
}
