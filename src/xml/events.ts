/** What a stream tells, and to whom. */
import type { Element } from './element.ts';
import type { XmlFault } from './sax.ts';

/** What one stream may send before it is faulted with `policy-violation`. */
export interface XmlLimits {
  /** The most bytes of the header and of each top-level element. */
  readonly maxBytes: number;
  /** The most levels of a top-level element, itself included. */
  readonly maxDepth: number;
  /** The most attributes of one element, namespace declarations included. */
  readonly maxAttributes: number;
  /** The most elements in a top-level element, itself included. */
  readonly maxElements: number;
}

/** The stream's first tag, as it was sent; what it ought to say is for others to judge. */
export interface StreamHeader {
  /** The local name. */
  readonly name: string;
  /** The prefix, '' if there is none. */
  readonly prefix: string;
  /** The namespace that the prefix stands for, '' if none. */
  readonly ns: string;
  /** The default namespace that it declares, '' if none. */
  readonly contentNs: string;
  /** All namespaces that it declares. */
  readonly declared?: readonly string[];
  readonly attrs: {
    readonly to?: string;
    readonly from?: string;
    readonly version?: string;
    readonly id?: string;
    readonly 'xml:lang'?: string;
  };
}

/** Who hears of what a stream sends. Any of them may call the parser's methods. */
export interface XmlHandlers {
  /** The header. */
  open(header: StreamHeader): void;
  /** A whole child of the stream. */
  element(element: Element): void;
  /** The closing tag; nothing follows. */
  close(): void;
  /** The stream broke the rules; nothing follows. */
  fault(fault: XmlFault): void;
}

/** One call of {@link XmlHandlers}, as a value that can wait. */
export type XmlEvent =
  | { readonly kind: 'open'; readonly header: StreamHeader }
  | { readonly kind: 'element'; readonly element: Element }
  | { readonly kind: 'close' }
  | { readonly kind: 'fault'; readonly fault: XmlFault };

/** Makes the call that an event stands for. */
export function tell(handlers: XmlHandlers, event: XmlEvent): void {
  switch (event.kind) {
    case 'open':
      handlers.open(event.header);
      break;
    case 'element':
      handlers.element(event.element);
      break;
    case 'close':
      handlers.close();
      break;
    case 'fault':
      handlers.fault(event.fault);
      break;
  }
}
