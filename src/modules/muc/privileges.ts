/** Roles, affiliations and what each may: the tables of XEP-0045 §5, as data. */

/** §5.1: what somebody is in a room while he is there, lowest first. */
export const ROLES = ['none', 'visitor', 'participant', 'moderator'] as const;
/** One of {@link ROLES}. */
export type Role = (typeof ROLES)[number];

/** §5.2: what an account is to a room, there or not, lowest first. */
export const AFFILIATIONS = ['outcast', 'none', 'member', 'admin', 'owner'] as const;
/** One of {@link AFFILIATIONS}. */
export type Affiliation = (typeof AFFILIATIONS)[number];

/** How high a role is. */
export const rankOfRole = (role: Role): number => ROLES.indexOf(role);
/** How high an affiliation is. */
export const rankOf = (affiliation: Affiliation): number => AFFILIATIONS.indexOf(affiliation);
/** Whether an affiliation is at least another one. */
export const isAtLeast = (affiliation: Affiliation, least: Affiliation): boolean =>
  rankOf(affiliation) >= rankOf(least);

/** The role of a name that is one. */
export const roleNamed = (name: string | undefined): Role | undefined =>
  ROLES.find((role) => role === name);
/** The affiliation of a name that is one. */
export const affiliationNamed = (name: string | undefined): Affiliation | undefined =>
  AFFILIATIONS.find((affiliation) => affiliation === name);

type Row<Column extends string> = Readonly<Record<Column, boolean>>;

const roles = (visitor: boolean, participant: boolean, moderator: boolean): Row<Role> => ({
  none: false,
  visitor,
  participant,
  moderator,
});

/** §5.1.1: the privileges of roles, as they are unless a room is configured otherwise. */
export const ROLE_PRIVILEGES = {
  present: roles(true, true, true),
  receiveMessages: roles(true, true, true),
  receivePresence: roles(true, true, true),
  broadcastPresence: roles(true, true, true),
  changeAvailability: roles(true, true, true),
  changeNick: roles(true, true, true),
  sendPrivate: roles(true, true, true),
  invite: roles(true, true, true),
  speak: roles(false, true, true),
  changeSubject: roles(false, true, true),
  kick: roles(false, false, true),
  grantVoice: roles(false, false, true),
  revokeVoice: roles(false, false, true),
} as const satisfies Readonly<Record<string, Row<Role>>>;

/** One of the privileges of roles. */
export type RolePrivilege = keyof typeof ROLE_PRIVILEGES;

const affiliations = (
  none: boolean,
  member: boolean,
  admin: boolean,
  owner: boolean,
): Row<Affiliation> => ({ outcast: false, none, member, admin, owner });

/** §5.2.1: the privileges of affiliations. */
export const AFFILIATION_PRIVILEGES = {
  enterOpen: affiliations(true, true, true, true),
  /** Who is a member or more has nothing to register. */
  register: affiliations(true, false, false, false),
  getMemberList: affiliations(false, true, true, true),
  enterMembersOnly: affiliations(false, true, true, true),
  ban: affiliations(false, false, true, true),
  editMemberList: affiliations(false, false, true, true),
  assignModerators: affiliations(false, false, true, true),
  editAdminList: affiliations(false, false, false, true),
  editOwnerList: affiliations(false, false, false, true),
  configure: affiliations(false, false, false, true),
  destroy: affiliations(false, false, false, true),
} as const satisfies Readonly<Record<string, Row<Affiliation>>>;

/** One of the privileges of affiliations. */
export type AffiliationPrivilege = keyof typeof AFFILIATION_PRIVILEGES;

/** Whether a role has a privilege. */
export const roleMay = (role: Role, privilege: RolePrivilege): boolean =>
  ROLE_PRIVILEGES[privilege][role];
/** Whether an affiliation has a privilege. */
export const affiliationMay = (
  affiliation: Affiliation,
  privilege: AffiliationPrivilege,
): boolean => AFFILIATION_PRIVILEGES[privilege][affiliation];

/** What of a room's type decides on the role of who enters. */
export interface RoomType {
  readonly isModerated: boolean;
  readonly isMembersOnly: boolean;
}

/** §5.1.2: the role of who enters, by his affiliation; `none` where he may not. */
export function defaultRole(
  affiliation: Affiliation,
  { isModerated, isMembersOnly }: RoomType,
): Role {
  switch (affiliation) {
    case 'outcast':
      return 'none';
    case 'none':
      if (isMembersOnly) return 'none';
      return isModerated ? 'visitor' : 'participant';
    case 'member':
      return 'participant';
    case 'admin':
    case 'owner':
      return 'moderator';
  }
}

/** §5.2.2: the least affiliation of whoever changes one into another. */
export const AFFILIATION_CHANGES: Readonly<
  Record<Affiliation, Readonly<Record<Affiliation, 'admin' | 'owner'>>>
> = {
  outcast: { outcast: 'admin', none: 'admin', member: 'admin', admin: 'owner', owner: 'owner' },
  none: { outcast: 'admin', none: 'admin', member: 'admin', admin: 'owner', owner: 'owner' },
  member: { outcast: 'admin', none: 'admin', member: 'admin', admin: 'owner', owner: 'owner' },
  admin: { outcast: 'owner', none: 'owner', member: 'owner', admin: 'owner', owner: 'owner' },
  owner: { outcast: 'owner', none: 'owner', member: 'owner', admin: 'owner', owner: 'owner' },
};

/** Who changes somebody's role, or whose role is changed. */
export interface Party {
  readonly role: Role;
  readonly affiliation: Affiliation;
}

/**
 * §5.1.3, with §8.2 to §8.4, §9.6 and §9.7: why somebody may not change the role of an occupant;
 * undefined when he may. `forbidden` is said to those who have no such privilege at all,
 * `not-allowed` where it does not reach this occupant.
 */
export function refusalOfRole(
  actor: Party,
  target: Party,
  to: Role,
): 'forbidden' | 'not-allowed' | undefined {
  const isAboutModerators = target.role === 'moderator' || to === 'moderator';
  const isAdmin = affiliationMay(actor.affiliation, 'assignModerators');
  if (to === 'none') {
    if (!roleMay(actor.role, 'kick')) return 'forbidden';
    if (rankOf(target.affiliation) > rankOf(actor.affiliation)) return 'not-allowed';
    return target.role === 'moderator' && !isAdmin ? 'not-allowed' : undefined;
  }
  if (!roleMay(actor.role, to === 'visitor' ? 'revokeVoice' : 'grantVoice')) return 'forbidden';
  if (isAboutModerators && !isAdmin) return 'forbidden';
  const isLess = rankOfRole(to) < rankOfRole(target.role);
  // An admin or owner is a moderator by that fact (§5.1.3), and has voice whatever anyone says (§8.4).
  if (isLess && isAtLeast(target.affiliation, 'admin')) return 'not-allowed';
  // §8.4: nor from those at one's own level; to have none is no level.
  const isPeer =
    target.affiliation !== 'none' && rankOf(target.affiliation) >= rankOf(actor.affiliation);
  return to === 'visitor' && isLess && isPeer ? 'not-allowed' : undefined;
}

/** §5.2.2: why somebody may not change an affiliation; undefined when he may. */
export function refusalOfAffiliation(
  actor: Affiliation,
  from: Affiliation,
  to: Affiliation,
): 'forbidden' | 'not-allowed' | undefined {
  if (isAtLeast(actor, AFFILIATION_CHANGES[from][to])) return undefined;
  // §9.1: an admin may ban, only not those above him.
  return to === 'outcast' && isAtLeast(actor, 'admin') ? 'not-allowed' : 'forbidden';
}
