/** Stream errors (RFC 6120 §4.9). */
import { type Element, el, serialise } from '../xml/element.ts';

/** The namespace of the stream itself. */
export const STREAM_NS = 'http://etherx.jabber.org/streams';

const CONDITION_NS = 'urn:ietf:params:xml:ns:xmpp-streams';

/** The conditions of RFC 6120 §4.9.3. */
export type StreamCondition =
  | 'bad-format'
  | 'bad-namespace-prefix'
  | 'conflict'
  | 'connection-timeout'
  | 'host-gone'
  | 'host-unknown'
  | 'improper-addressing'
  | 'internal-server-error'
  | 'invalid-from'
  | 'invalid-namespace'
  | 'invalid-xml'
  | 'not-authorized'
  | 'not-well-formed'
  | 'policy-violation'
  | 'remote-connection-failed'
  | 'reset'
  | 'resource-constraint'
  | 'restricted-xml'
  | 'see-other-host'
  | 'system-shutdown'
  | 'undefined-condition'
  | 'unsupported-encoding'
  | 'unsupported-feature'
  | 'unsupported-stanza-type'
  | 'unsupported-version';

/** Why a stream ends, with a sentence for whoever reads it on the other side. */
export interface StreamFailure {
  readonly condition: StreamCondition;
  readonly text: string;
  /** An application-specific condition (§4.9.4). */
  readonly app?: Element;
}

/** The `<stream:error/>` as it is written into a stream whose header declared the prefix. */
export function streamErrorText({ condition, text, app }: StreamFailure): string {
  const named = el(condition, { xmlns: CONDITION_NS });
  const sentence = el('text', { xmlns: CONDITION_NS, 'xml:lang': 'en' }, text);
  const more = app === undefined ? '' : serialise(app);
  return `<stream:error>${serialise(named)}${serialise(sentence)}${more}</stream:error>`;
}
