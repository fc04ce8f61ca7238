/** The pages of a link to set a new password, and of links that do not work. */
import type { PageTerms } from './join.tsx';
import { Fault, type Faults, GuestPage, NewPassword } from './parts.tsx';

/** Sets a new password. */
export const ResetPage = (
  props: Omit<PageTerms, 'platform'> & {
    readonly account: string;
    readonly action: string;
    readonly faults: Faults;
  },
) => (
  <GuestPage title="A new password" domain={props.domain} assets={props.assets}>
    <div>
      <h1>Set a new password</h1>
      <p class="lead wrap">{`For ${props.account}.`}</p>
    </div>
    <form method="post" action={props.action}>
      <Fault text={props.faults.form} />
      <input type="hidden" name="username" value={props.account} autocomplete="username" />
      <NewPassword faults={props.faults} />
      <button class="button primary broad" type="submit">
        Set the password
      </button>
    </form>
    <p class="hint">All your apps are signed out, and have to be told the new password.</p>
  </GuestPage>
);

/** The password is set. */
export const DonePage = (props: Omit<PageTerms, 'platform'> & { readonly account: string }) => (
  <GuestPage title="The password is set" domain={props.domain} assets={props.assets}>
    <div>
      <h1>The password is set</h1>
      <p class="lead">Sign in with it in your apps.</p>
    </div>
    <p class="own-address wrap">{props.account}</p>
  </GuestPage>
);

/** A link that cannot be used, whyever. */
export const ClosedPage = (props: Omit<PageTerms, 'platform'>) => (
  <GuestPage title="This link does not work" domain={props.domain} assets={props.assets}>
    <h1>This link does not work</h1>
    <p>It was used already, its time is over, or it was taken back. Or a part of it got lost.</p>
    <p>Ask whoever sent it for a new one.</p>
  </GuestPage>
);
