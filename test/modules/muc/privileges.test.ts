/** The tables of XEP-0045 §5, cell by cell. */
import { describe, expect, test } from 'vitest';
import {
  AFFILIATIONS,
  type Affiliation,
  type AffiliationPrivilege,
  affiliationMay,
  defaultRole,
  type Party,
  ROLES,
  type Role,
  type RolePrivilege,
  rankOf,
  refusalOfAffiliation,
  refusalOfRole,
  roleMay,
} from '../../../src/modules/muc/privileges.ts';

describe('§5.1.1 the privileges of roles', () => {
  // Columns: none, visitor, participant, moderator.
  const table: Readonly<Record<RolePrivilege, string>> = {
    present: 'nyyy',
    receiveMessages: 'nyyy',
    receivePresence: 'nyyy',
    broadcastPresence: 'nyyy',
    changeAvailability: 'nyyy',
    changeNick: 'nyyy',
    sendPrivate: 'nyyy',
    invite: 'nyyy',
    speak: 'nnyy',
    changeSubject: 'nnyy',
    kick: 'nnny',
    grantVoice: 'nnny',
    revokeVoice: 'nnny',
  };
  const cells = Object.entries(table).flatMap(([privilege, row]) =>
    ROLES.map((role, index) => [privilege as RolePrivilege, role, row[index] === 'y'] as const),
  );
  test.each(cells)('%s of %s: %s', (privilege, role, isAllowed) => {
    expect(roleMay(role, privilege)).toBe(isAllowed);
  });
});

describe('§5.2.1 the privileges of affiliations', () => {
  // Columns: outcast, none, member, admin, owner.
  const table: Readonly<Record<AffiliationPrivilege, string>> = {
    enterOpen: 'nyyyy',
    register: 'nynnn',
    getMemberList: 'nnyyy',
    enterMembersOnly: 'nnyyy',
    ban: 'nnnyy',
    editMemberList: 'nnnyy',
    assignModerators: 'nnnyy',
    editAdminList: 'nnnny',
    editOwnerList: 'nnnny',
    configure: 'nnnny',
    destroy: 'nnnny',
  };
  const cells = Object.entries(table).flatMap(([privilege, row]) =>
    AFFILIATIONS.map(
      (affiliation, index) =>
        [privilege as AffiliationPrivilege, affiliation, row[index] === 'y'] as const,
    ),
  );
  test.each(cells)('%s of %s: %s', (privilege, affiliation, isAllowed) => {
    expect(affiliationMay(affiliation, privilege)).toBe(isAllowed);
  });
});

describe('§5.1.2 the roles of those who enter', () => {
  const open = { isModerated: false, isMembersOnly: false };
  const rows = [
    ['moderated', { ...open, isModerated: true }, 'visitor participant moderator moderator'],
    ['unmoderated', open, 'participant participant moderator moderator'],
    ['members-only', { ...open, isMembersOnly: true }, 'none participant moderator moderator'],
    [
      'moderated and members-only',
      { isModerated: true, isMembersOnly: true },
      'none participant moderator moderator',
    ],
  ] as const;
  const cells = rows.flatMap(([name, type, row]) =>
    (['none', 'member', 'admin', 'owner'] as const).map(
      (affiliation, index) => [name, affiliation, row.split(' ')[index], type] as const,
    ),
  );
  test.each(cells)('%s, %s: %s', (_, affiliation, role, type) => {
    expect(defaultRole(affiliation, type)).toBe(role);
    expect(defaultRole('outcast', type)).toBe('none');
  });
});

describe('§5.2.2 who changes affiliations', () => {
  // Who may at least; rows: from; columns: to outcast, none, member, admin, owner.
  const table: Readonly<Record<Affiliation, string>> = {
    outcast: 'aaaoo',
    none: 'aaaoo',
    member: 'aaaoo',
    admin: 'ooooo',
    owner: 'ooooo',
  };
  const cells = AFFILIATIONS.flatMap((actor) =>
    AFFILIATIONS.flatMap((from) =>
      AFFILIATIONS.map((to, index) => {
        const least = table[from][index] === 'a' ? 'admin' : 'owner';
        const isAllowed = rankOf(actor) >= rankOf(least);
        // §9.1: an admin may ban, but not an owner or admin.
        const refused = to === 'outcast' && actor === 'admin' ? 'not-allowed' : 'forbidden';
        return [actor, from, to, isAllowed ? undefined : refused] as const;
      }),
    ),
  );
  test.each(cells)('%s: %s becomes %s: %s', (actor, from, to, expected) => {
    expect(refusalOfAffiliation(actor, from, to)).toBe(expected);
  });
});

describe('§5.1.3 who changes roles', () => {
  const present = ['visitor', 'participant', 'moderator'] as const;
  const inside = ['none', 'member', 'admin', 'owner'] as const;
  /** The rules in the words of §5.1.3, §8.2 to §8.4, §9.6 and §9.7, in this order. */
  const expected = (actor: Party, target: Party, to: Role): string | undefined => {
    if (actor.role !== 'moderator') return 'forbidden';
    const isAdmin = actor.affiliation === 'admin' || actor.affiliation === 'owner';
    if (to === 'none') {
      if (rankOf(target.affiliation) > rankOf(actor.affiliation)) return 'not-allowed'; // §8.2
      return target.role === 'moderator' && !isAdmin ? 'not-allowed' : undefined; // §5.1.3
    }
    if ((to === 'moderator' || target.role === 'moderator') && !isAdmin) return 'forbidden'; // §9.6
    const isAbove = target.affiliation === 'admin' || target.affiliation === 'owner';
    const isLess = present.indexOf(to) < present.indexOf(target.role as (typeof present)[number]);
    if (isLess && isAbove) return 'not-allowed'; // §8.4, §9.7
    if (
      isLess &&
      to === 'visitor' &&
      target.affiliation === 'member' &&
      actor.affiliation === 'member'
    )
      return 'not-allowed'; // §8.4
    if (
      isLess &&
      to === 'visitor' &&
      target.affiliation === 'member' &&
      actor.affiliation === 'none'
    )
      return 'not-allowed';
    return undefined;
  };
  const cells = present.flatMap((actorRole) =>
    inside.flatMap((actorAffiliation) =>
      present.flatMap((role) =>
        inside.flatMap((affiliation) =>
          ROLES.map((to) => {
            const actor = { role: actorRole, affiliation: actorAffiliation };
            return [actor, { role, affiliation }, to] as const;
          }),
        ),
      ),
    ),
  );
  test(`all ${cells.length} cells`, () => {
    for (const [actor, target, to] of cells)
      expect(
        [actor, target, to, refusalOfRole(actor, target, to)],
        JSON.stringify([actor, target, to]),
      ).toEqual([actor, target, to, expected(actor, target, to)]);
  });
});
