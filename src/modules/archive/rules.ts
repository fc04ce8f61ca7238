/**
 * What is worth keeping for good (XEP-0313 §5.1.1, XEP-0334 §4): messages that say something, and what
 * tells of them later, but not what is true for a moment only.
 */
import { carriesAny, contentOf, type Trait } from '../../stanza/content.ts';
import type { Message } from '../../stanza/stanza.ts';

/** Whether a message is kept, and whether it has a text that can be searched. */
export type Worth = 'searchable' | 'kept' | 'none';

/** XEP-0334 §4.1, §4.2: of two wishes that contradict each other, the more careful one counts. */
const FORBIDDING: readonly Trait[] = ['no-store', 'no-permanent-store'];

/** Something that only the recipients can read. A body beside it says just that. */
const SEALED: readonly Trait[] = ['encrypted', 'key-exchange'];

/** What is kept though it may stand without a body. */
const LASTING: readonly Trait[] = [
  'subject',
  'receipt', // a request alone asks for nothing
  'marker',
  'correction',
  'retraction', // XEP-0424 §5: MUST
  'reactions',
  'reply',
  'file',
  'invitation',
  'call', // for the list of those that were missed
];

/** Decides by type and content. */
export function worthOf(message: Message): Worth {
  // Groupchat is the room's to keep, whatever it hints; a bounce echoes what it could not deliver, with
  // its hints (XEP-0334 §5), and is no message of its own.
  if (message.type === 'groupchat' || message.type === 'error') return 'none';
  const content = contentOf(message);
  if (carriesAny(content, FORBIDDING)) return 'none';
  const isAskedFor = content.has('store'); // §4.4
  if (message.type === 'headline' && !isAskedFor) return 'none';
  if (carriesAny(content, SEALED)) return 'kept';
  if (content.has('body')) return 'searchable';
  return isAskedFor || carriesAny(content, LASTING) ? 'kept' : 'none';
}
