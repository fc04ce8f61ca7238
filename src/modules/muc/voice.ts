/** Asking for voice and granting it: XEP-0045 §7.13, §8.6. */
import { parseJid } from '../../jid/jid.ts';
import { message } from '../../stanza/build.ts';
import { type Form, firstValueOf, formElement, isTrue, readForm } from '../../stanza/form.ts';
import type { Message } from '../../stanza/stanza.ts';
import { childrenOf } from '../../xml/element.ts';
import { giveRole } from './affiliating.ts';
import { VOICE_REQUEST } from './names.ts';
import { shownSession } from './presence.ts';
import { occupantAt, occupantNamed } from './room.ts';
import type { Turn } from './turn.ts';

/** The form of a voice request or its approval in a message; undefined when there is none. */
export function voiceForm({ element }: Message): Form | undefined {
  for (const child of childrenOf(element)) {
    const form = readForm(child);
    if (form?.formType === VOICE_REQUEST && form.type === 'submit') return form;
  }
  return undefined;
}

/** A visitor asks for voice, or a moderator answers. */
export function handleVoice(turn: Turn, stanza: Message, form: Form): void {
  const sender = occupantAt(turn.room, stanza.from);
  if (sender === undefined)
    return void turn.refuse(stanza, {
      condition: 'not-acceptable',
      text: 'You are not in the room.',
    });
  if (firstValueOf(form, 'muc#request_allow') === undefined)
    return void request(turn, stanza, form);
  if (sender.role !== 'moderator') return void turn.refuse(stanza, { condition: 'forbidden' });
  const asker = occupantNamed(turn.room, firstValueOf(form, 'muc#roomnick') ?? '');
  const jid = parseJid(firstValueOf(form, 'muc#jid') ?? '');
  const isHe =
    asker !== undefined && (!jid.ok || asker.sessions.some((each) => each.jid === jid.value));
  if (!isHe) return void turn.refuse(stanza, { condition: 'item-not-found', text: 'He has left.' });
  if (isTrue(form, 'muc#request_allow') !== true || asker.role !== 'visitor') return;
  giveRole(turn, asker, 'participant', {});
}

function request(turn: Turn, stanza: Message, form: Form): void {
  const { room, terms } = turn;
  const asker = occupantAt(room, stanza.from);
  if (firstValueOf(form, 'muc#role') !== 'participant')
    return void turn.refuse(stanza, { condition: 'bad-request' });
  if (asker === undefined || asker.role !== 'visitor') return; // he has it already
  const moderators = [...room.occupants.values()].filter(({ role }) => role === 'moderator');
  const single = 'text-single';
  const x = formElement({
    type: 'form',
    formType: VOICE_REQUEST,
    title: 'Voice request',
    instructions: ['To grant voice, tick "Grant voice to this person?" and submit the form.'],
    fields: [
      {
        name: 'muc#role',
        type: 'list-single',
        label: 'Requested role',
        values: ['participant'],
        options: [{ label: 'Participant', value: 'participant' }],
      },
      {
        name: 'muc#jid',
        type: 'jid-single',
        label: 'User ID',
        values: [shownSession(asker)?.jid ?? asker.account],
      },
      { name: 'muc#roomnick', type: single, label: 'Room Nickname', values: [asker.nick] },
      {
        name: 'muc#request_allow',
        type: 'boolean',
        label: 'Grant voice to this person?',
        values: ['false'],
      },
    ],
  });
  turn.sendAll(
    message({ id: terms.newId(), from: room.jid, to: room.jid, children: [x] }),
    moderators.flatMap(({ sessions }) => sessions.map(({ jid }) => jid)),
  );
}
