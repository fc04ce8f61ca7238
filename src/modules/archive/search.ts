/** The search in texts as archives use it; the module `fulltext` brings it. */
import type { RawBuilder, SqlBool } from 'kysely';
import type { Domain } from '../../jid/jid.ts';
import type { Owner } from './owners.ts';

/** Finds messages by their texts. */
export interface Search {
  /** Whether users of a host may search. */
  isOn(host: Domain): boolean;
  /** A message that can be searched came into an archive. */
  kept(owner: Owner): void;
  /** Messages came into an archive between those that were there. */
  adopted(owner: Owner): Promise<void>;
  /** Makes what is in an archive searchable, as far as that goes quickly; whether all of it is. */
  catchUp(owner: Owner): Promise<boolean>;
  /** The condition on `serial` of the messages that are found; undefined when none can be. */
  matching(owner: Owner, text: string): RawBuilder<SqlBool> | undefined;
}
