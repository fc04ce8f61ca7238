/** XEP-0297: Stanza Forwarding, of messages inside of another protocol. */
import { childOf, type Element, el, setAttribute } from '../xml/element.ts';
import { type Message, withChildren } from './stanza.ts';

const FORWARD = 'urn:xmpp:forward:0';

/**
 * The `<forwarded/>` with a message, whose children are shared with the original. `delay` tells when
 * that came (§3.2, XEP-0203).
 */
export function forwarded(message: Message, delay?: Element): Element {
  const copy = withChildren(message, message.element.children).element;
  // Inside of `<forwarded/>` the stream's namespace has to be named (§3.2).
  setAttribute(copy, 'xmlns', 'jabber:client');
  return el('forwarded', { xmlns: FORWARD }, delay, copy);
}

/** The message in the `<forwarded/>` child of an element. */
export function messageForwardedIn(element: Element): Element | undefined {
  const wrapper = childOf(element, 'forwarded', FORWARD);
  return wrapper && childOf(wrapper, 'message', 'jabber:client');
}
