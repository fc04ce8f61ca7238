/** `saxes`, held to XMPP's subset of XML (RFC 6120 §11): what is outside of it is a fault. */
import { type SaxesOptions, SaxesParser, type SaxesTagNS } from 'saxes';

/** Why a stream cannot go on: a stream error's condition (RFC 6120 §4.9.3) and a sentence. */
export interface XmlFault {
  readonly condition:
    | 'bad-format'
    | 'bad-namespace-prefix'
    | 'not-well-formed'
    | 'policy-violation'
    | 'restricted-xml'
    | 'unsupported-encoding';
  readonly text: string;
}

/** Bytes that are not UTF-8, or a declaration that says so (RFC 6120 §4.9.3.22, §11.6). */
export const NOT_UTF8: XmlFault = {
  condition: 'unsupported-encoding',
  text: 'The stream must be encoded in UTF-8.',
};

/** Who hears what saxes read. A `fault` must not return: it throws through saxes. */
export interface SaxHandlers {
  openTag(tag: SaxesTagNS): void;
  closeTag(): void;
  text(text: string): void;
  cdata(text: string): void;
  /** `isAboutEndTag` when the end tag that was just reported has the wrong name. */
  fault(fault: XmlFault, isAboutEndTag: boolean): never;
}

const COMMENT = 'comment';
const INSTRUCTION = 'processing instruction';
const DOCTYPE = 'document type declaration';
const ENCODING = 'encoding';

/** RFC 6120 §11.1, by our own messages and by those of saxes. */
const RESTRICTED: ReadonlyMap<string, string> = new Map([
  [COMMENT, 'Comments'],
  [INSTRUCTION, 'Processing instructions'],
  [DOCTYPE, 'Document type declarations'],
  ['inappropriately located doctype declaration.', 'Document type declarations'],
  ['undefined entity.', 'Entities other than the predefined five'],
]);

// Positions are not tracked (we count bytes), and XML 1.0 it is, whatever the declaration says.
const OPTIONS = {
  xmlns: true,
  position: false,
  defaultXMLVersion: '1.0',
  forceXMLVersion: true,
} as const satisfies SaxesOptions;

/**
 * saxes with what XMPP forbids. Those handlers stand on the prototype and speak through `fail`: as a
 * seventh and further one on each parser they would make V8 keep the parser as a dictionary, which
 * then reads at a fifth of the speed.
 */
export class RestrictedSax extends SaxesParser<typeof OPTIONS> {
  static {
    const { prototype } = RestrictedSax;
    const refuse = (message: string) =>
      function (this: RestrictedSax) {
        this.fail(message);
      };
    prototype.on('comment', refuse(COMMENT));
    prototype.on('processinginstruction', refuse(INSTRUCTION));
    prototype.on('doctype', refuse(DOCTYPE));
    prototype.on('xmldecl', function (this: RestrictedSax, { encoding = 'utf-8' }) {
      if (encoding.toLowerCase() !== 'utf-8') this.fail(ENCODING);
    });
  }
}

/** The same for documents that are no streams: people write comments into files. */
export class DocumentSax extends RestrictedSax {
  static {
    DocumentSax.prototype.on('comment', () => {});
  }
}

/** A parser for one document. */
export function openSax(
  handlers: SaxHandlers,
  Sax: typeof RestrictedSax = RestrictedSax,
): RestrictedSax {
  const sax = new Sax(OPTIONS);
  let isInRoot = false;
  sax.on('opentag', (tag) => {
    isInRoot = true;
    handlers.openTag(tag);
  });
  sax.on('closetag', () => handlers.closeTag());
  sax.on('text', (text) => handlers.text(text));
  sax.on('cdata', (text) => handlers.cdata(text));
  sax.on('error', ({ message }) => {
    handlers.fault(faultOf(message, isInRoot), message === 'unexpected close tag.');
  });
  return sax;
}

/** The fault of what was found wrong; saxes tells its cases apart by their messages only. */
function faultOf(message: string, isInRoot: boolean): XmlFault {
  if (message === ENCODING) return NOT_UTF8;
  const restricted = RESTRICTED.get(message);
  if (restricted !== undefined) {
    return { condition: 'restricted-xml', text: `${restricted} are not allowed in XMPP.` };
  }
  const text = `The XML is not well-formed: ${message}`;
  if (!isInRoot && message.startsWith('unbound namespace prefix')) {
    return { condition: 'bad-namespace-prefix', text }; // §4.9.3.2: of the stream's own tag
  }
  return { condition: 'not-well-formed', text }; // §11.3: so are unbound prefixes further in
}
