/** The elements of XEP-0077. */
import { formElement } from '../../stanza/form.ts';
import { childText, flag, optional, payload } from '../../xml/codec.ts';
import { type Element, el } from '../../xml/element.ts';

/** The namespace of in-band registration. */
export const REGISTER = 'jabber:iq:register';
/** The namespace of its stream feature (§8). */
export const REGISTER_FEATURE = 'http://jabber.org/features/iq-register';
/** The FORM_TYPE of the form by which a removal is confirmed (§3.2). */
export const CANCEL_FORM = 'jabber:iq:register:cancel';

/** A request: all of its parts may be missing, since a form may stand in their place. */
export const RegisterQuery = payload('query', REGISTER, {
  username: optional(childText('username')),
  password: optional(childText('password')),
  remove: flag('remove'),
});

/** What has to be filled in to register (§3.1), with the name where it is given. */
export function signUpFields(instructions: string, username?: string): Element {
  return el(
    'query',
    { xmlns: REGISTER },
    el('instructions', undefined, instructions),
    el('username', undefined, username),
    el('password'),
  );
}

/** What is on file for an account; the password is not told (§3.1). */
export function registeredFields(username: string): Element {
  return el(
    'query',
    { xmlns: REGISTER },
    el('registered'),
    el('instructions', undefined, 'You have an account. Send a new password to change yours.'),
    el('username', undefined, username),
    el('password'),
  );
}

/** The form that has to be filled in to remove an account (§3.2). */
export function cancelForm(): Element {
  const form = formElement({
    type: 'form',
    formType: CANCEL_FORM,
    title: 'Remove the account',
    instructions: ['Your account and all that is kept with it will be gone for good.'],
    fields: [
      { name: 'username', type: 'text-single', label: 'User name', isRequired: true, values: [] },
      { name: 'password', type: 'text-private', label: 'Password', isRequired: true, values: [] },
    ],
  });
  return el('query', { xmlns: REGISTER }, form);
}
