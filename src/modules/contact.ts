/** XEP-0157: Contact Addresses for XMPP Services. */
import { defineModule } from '../core/module.ts';
import { CONTACT_FORM, formElement } from '../stanza/form.ts';

/** The module; the addresses are those of the host's `contacts`. */
export const contact = defineModule({
  name: 'contact',
  specs: [{ xep: 157, version: '1.1.1', covers: 'complete' }],
  setup: ({ hosts }) => ({
    serverForms(host) {
      const contacts = Object.entries(hosts.get(host)?.config.contacts ?? {});
      const fields = contacts
        .filter(([, uris]) => uris.length > 0)
        .map(([role, uris]) => ({ name: `${role}-addresses`, values: uris }));
      if (fields.length === 0) return [];
      return [formElement({ type: 'result', formType: CONTACT_FORM, fields })];
    },
  }),
});
