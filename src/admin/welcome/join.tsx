/** The pages of an invitation, and of a domain where anyone may make an account. */

import type { Child } from 'hono/jsx';
import { localOf } from '../../jid/jid.ts';
import type { Invitation } from '../../modules/invitations/index.ts';
import { Time } from '../ui/parts.tsx';
import { isHandheld, type Platform } from './apps.ts';
import type { WelcomeAssets } from './assets.ts';
import { Apps, Fault, type Faults, GuestPage, NameField, NewPassword } from './parts.tsx';
import { Qr } from './qr.tsx';

/** What pages are made with. */
export interface PageTerms {
  readonly domain: string;
  readonly assets: WelcomeAssets;
  readonly platform: Platform | undefined;
}

/** What somebody typed, and what was wrong with it. */
export interface Typed {
  readonly username: string;
  readonly faults: Faults;
}

const JoinForm = (props: {
  action: string;
  domain: string;
  fixed: string | undefined;
  typed: Typed;
  button: string;
}) => (
  <form method="post" action={props.action}>
    <Fault text={props.typed.faults.form} />
    <NameField
      domain={props.domain}
      value={props.fixed ?? props.typed.username}
      isFixed={props.fixed !== undefined}
      fault={props.typed.faults.username}
    />
    <NewPassword faults={props.typed.faults} />
    <button class="button primary broad" type="submit">
      {props.button}
    </button>
  </form>
);

/** What an invitation's pages are made with. */
export interface InviteTerms extends PageTerms {
  readonly invitation: Invitation;
  readonly uri: string;
}

const Scan = ({ uri }: { uri: string }) => (
  <figure class="scan">
    <Qr text={uri} label="QR code of this invitation, for chat apps" />
    <figcaption>
      Scan this with the chat app of your phone: Conversations, Monal and others take it.
    </figcaption>
  </figure>
);

const Beside = ({ platform, uri, children }: InviteTerms & { children?: Child }) => (
  <>
    {children}
    {isHandheld(platform) ? null : <Scan uri={uri} />}
    <section aria-labelledby="get">
      <h2 id="get">Apps to begin with</h2>
      <Apps platform={platform} />
    </section>
    {isHandheld(platform) ? (
      <details>
        <summary>Use it on another device</summary>
        <Scan uri={uri} />
      </details>
    ) : null}
  </>
);

/** XEP-0401 §5.2: who invites, the form, the link for apps, and apps to get. */
export const InvitePage = (
  props: InviteTerms & { readonly action: string; readonly typed: Typed },
) => {
  const { domain, assets, invitation, uri } = props;
  const { inviter, account, expires } = invitation;
  return (
    <GuestPage
      title="You are invited"
      domain={domain}
      assets={assets}
      aside={
        <Beside {...props}>
          <section aria-labelledby="app">
            <h2 id="app">Do you have a chat app?</h2>
            <p>
              {inviter === undefined
                ? 'An app that speaks XMPP makes the account for you.'
                : 'An app that speaks XMPP makes the account for you, or adds the contact to one that you have.'}
            </p>
            <a class="button broad" href={uri}>
              Open in my app
            </a>
          </section>
        </Beside>
      }
    >
      <div>
        <h1 class="wrap">
          {inviter === undefined ? 'You are invited' : `${localOf(inviter)} invites you to chat`}
        </h1>
        <p class="lead">
          {inviter === undefined
            ? `Make your account at ${domain}, and chat with everyone there.`
            : `Make your account at ${domain}. ${inviter} will be your first contact.`}
        </p>
      </div>
      <JoinForm
        action={props.action}
        domain={domain}
        fixed={account === undefined ? undefined : localOf(account)}
        typed={props.typed}
        button="Create my account"
      />
      <p class="hint">
        {'This invitation can be used until '}
        <Time at={expires} />.
      </p>
    </GuestPage>
  );
};

/** An invitation to become a contact (XEP-0379 §3.3), for who has an account wherever. */
export const ContactPage = (props: InviteTerms) => {
  const { domain, assets, invitation, uri } = props;
  const { inviter = invitation.host, expires } = invitation;
  return (
    <GuestPage
      title="You are invited"
      domain={domain}
      assets={assets}
      aside={<Beside {...props} />}
    >
      <div>
        <h1 class="wrap">{`${localOf(inviter) || inviter} invites you to chat`}</h1>
        <p class="lead">
          Open this in a chat app that speaks XMPP, with an account at any server: you are in each
          other’s contacts then.
        </p>
      </div>
      <p class="own-address wrap">{inviter}</p>
      <a class="button primary broad" href={uri}>
        Open in my app
      </a>
      <p class="hint">
        If nothing happens, get an app first, and come back to this page. The invitation can be used
        until <Time at={expires} />.
      </p>
    </GuestPage>
  );
};

/** A domain where anyone may make an account. */
export const RegisterPage = (
  props: PageTerms & { readonly typed: Typed; readonly needsApproval: boolean },
) => (
  <GuestPage
    title="Make an account"
    domain={props.domain}
    assets={props.assets}
    aside={
      <section aria-labelledby="get">
        <h2 id="get">Apps to begin with</h2>
        <p>With the account, any app that speaks XMPP takes you in.</p>
        <Apps platform={props.platform} />
      </section>
    }
  >
    <div>
      <h1>Make an account</h1>
      <p class="lead">
        {props.needsApproval
          ? `Everyone may ask for an account at ${props.domain}; an admin approves it.`
          : `Everyone may have an account at ${props.domain}.`}
      </p>
    </div>
    <JoinForm
      action="/register"
      domain={props.domain}
      fixed={undefined}
      typed={props.typed}
      button={props.needsApproval ? 'Ask for the account' : 'Create my account'}
    />
  </GuestPage>
);

/** The account is there: what comes next. */
export const WelcomePage = (
  props: PageTerms & {
    readonly account: string;
    readonly inviter: string | undefined;
    readonly isWaiting: boolean;
    /** Where one chats in the browser, if that is on. */
    readonly chat: string | undefined;
  },
) => (
  <GuestPage title="Welcome" domain={props.domain} assets={props.assets}>
    <div>
      <h1>{props.isWaiting ? 'Thank you' : 'Welcome'}</h1>
      <p class="lead">
        {props.isWaiting
          ? 'An admin has to approve your account. Until then, apps say that it is locked.'
          : 'Your account is there. This is your address; others reach you by it.'}
      </p>
    </div>
    <p class="own-address wrap">{props.account}</p>
    <ol class="steps">
      <li>
        <h2>{props.chat === undefined ? 'Get an app' : 'Choose how to chat'}</h2>
        {props.chat === undefined ? null : (
          <a class="button primary broad" href={props.chat}>
            Chat in the browser
          </a>
        )}
        <Apps platform={props.platform} />
      </li>
      <li>
        <h2>Sign in</h2>
        <p>Type your address and the password that you just chose, and that is all.</p>
      </li>
      {props.inviter === undefined ? null : (
        <li>
          <h2>Say hello</h2>
          <p class="wrap">{`${props.inviter} is in your contacts already.`}</p>
        </li>
      )}
    </ol>
  </GuestPage>
);
