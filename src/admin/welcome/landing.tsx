/** The page of a domain, for who wants to chat there: the web client, apps, and what they ask for. */

import { isHandheld } from './apps.ts';
import type { PageTerms } from './join.tsx';
import { Apps, Fault, GuestPage } from './parts.tsx';
import { Qr } from './qr.tsx';

/** A port by which apps connect, and what it is for. */
export interface Way {
  readonly port: number;
  readonly what: string;
}

/** What the page of a domain is made with. */
export interface LandingTerms extends PageTerms {
  /** Its own address, for phones. */
  readonly url: string;
  /** Where the web client is. */
  readonly chat: string | undefined;
  /** Where anyone makes an account. */
  readonly register: string | undefined;
  /** Where the console is. */
  readonly console: string | undefined;
  readonly ways: readonly Way[];
  /** What is wrong with an invitation that was put in. */
  readonly fault: string | undefined;
}

/** The page of a domain. */
export const LandingPage = (props: LandingTerms) => {
  const { domain, assets, platform, chat, register, url, ways } = props;
  return (
    <GuestPage
      title="Chat"
      domain={domain}
      assets={assets}
      aside={
        <>
          <section aria-labelledby="get">
            <h2 id="get">Apps to chat with</h2>
            <Apps platform={platform} />
          </section>
          {isHandheld(platform) ? null : (
            <figure class="scan">
              <Qr text={url} label="QR code of this page" />
              <figcaption>Open this page on your phone, to get an app there.</figcaption>
            </figure>
          )}
        </>
      }
    >
      <div>
        <h1 class="wrap">{`Chat at ${domain}`}</h1>
        <p class="lead">
          With everyone here, and with anyone whose address is at another XMPP server.
        </p>
      </div>
      {chat === undefined ? null : (
        <a class="button primary broad" href={chat}>
          Chat in the browser
        </a>
      )}
      {register === undefined ? null : (
        <a class="button broad" href={register}>
          Make an account
        </a>
      )}
      <form method="get" action="/">
        <Fault text={props.fault} />
        <div class="field">
          <label for="invitation">Were you sent an invitation?</label>
          <input
            id="invitation"
            name="invitation"
            placeholder={`${url}/invite/…`}
            autocomplete="off"
            required
          />
        </div>
        <button class="button broad" type="submit">
          Open the invitation
        </button>
      </form>
      <details>
        <summary>What apps ask for</summary>
        <dl class="facts">
          <div>
            <dt>Address</dt>
            <dd class="wrap">{`your name, then @${domain}`}</dd>
          </div>
          <div>
            <dt>Server</dt>
            <dd class="wrap">{domain}</dd>
          </div>
          {ways.map(({ port, what }) => (
            <div>
              <dt>{`Port ${port}`}</dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
      </details>
      {props.console === undefined ? null : (
        <p class="hint">
          <a href={props.console}>Administration</a>
        </p>
      )}
    </GuestPage>
  );
};
