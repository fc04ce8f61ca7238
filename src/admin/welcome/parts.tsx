/** The frame and the parts of pages for guests. */
import type { Child } from 'hono/jsx';
import { Mark } from '../ui/icons.tsx';
import { Field, Note } from '../ui/parts.tsx';
import { type App, PLATFORMS, type Platform } from './apps.ts';
import type { WelcomeAssets } from './assets.ts';

/** A page: what is to be done, and beside it what helps. */
export const GuestPage = (props: {
  title: string;
  domain: string;
  assets: WelcomeAssets;
  aside?: Child;
  children?: Child;
}) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta name="robots" content="noindex" />
      <title>{`${props.title} · ${props.domain}`}</title>
      <link rel="icon" href={props.assets.mark} type="image/svg+xml" />
      <link rel="stylesheet" href={props.assets.style} />
    </head>
    <body class="guest">
      <main id="main" class={props.aside === undefined ? 'single' : undefined}>
        <div class="brand">
          <Mark size={40} />
          <span class="wrap">{props.domain}</span>
        </div>
        <div class="card">{props.children}</div>
        {props.aside === undefined ? null : <aside class="beside">{props.aside}</aside>}
      </main>
    </body>
  </html>
);

/** A problem at the head of a form. */
export const Fault = ({ text }: { text: string | undefined }) =>
  text === undefined ? null : (
    <Note tone="error" role="alert">
      <p>{text}</p>
    </Note>
  );

/** What was wrong with a form. */
export type Faults = Readonly<Partial<Record<'form' | 'username' | 'password' | 'again', string>>>;

/** A name at the domain; one that is given cannot be changed. */
export const NameField = (props: {
  domain: string;
  value: string;
  isFixed: boolean;
  fault: string | undefined;
}) => (
  <div class="field">
    <label for="username">{props.isFixed ? 'Your name' : 'Choose a name'}</label>
    <div class="at-domain">
      <input
        id="username"
        name="username"
        value={props.value}
        readonly={props.isFixed}
        required
        autofocus={!props.isFixed}
        autocomplete="username"
        autocapitalize="none"
        spellcheck={false}
        aria-describedby={props.fault === undefined ? 'username-domain' : 'username-fault'}
        aria-invalid={props.fault === undefined ? undefined : 'true'}
      />
      <span id="username-domain" class="wrap">{`@${props.domain}`}</span>
    </div>
    {props.fault === undefined ? null : (
      <p class="fault" id="username-fault">
        {props.fault}
      </p>
    )}
  </div>
);

/** A new password, twice. */
export const NewPassword = ({ faults }: { faults: Faults }) => (
  <>
    <Field
      name="password"
      label="Password"
      type="password"
      autocomplete="new-password"
      hint="A few words are easier to keep than riddles."
      fault={faults.password}
      required
    />
    <Field
      name="again"
      label="The same password again"
      type="password"
      autocomplete="new-password"
      fault={faults.again}
      required
    />
  </>
);

const AppLink = ({ app }: { app: App }) => (
  <>
    <a href={app.url} rel="noreferrer">
      {app.name}
    </a>
    {app.stores.length === 0 ? null : (
      <span class="second">
        {'also at '}
        {app.stores.map(([name, url], index) => (
          <>
            {index === 0 ? '' : ', '}
            <a href={url} rel="noreferrer">
              {name}
            </a>
          </>
        ))}
      </span>
    )}
  </>
);

/** Apps for the device at hand, and for others behind a line. */
export const Apps = ({ platform }: { platform: Platform | undefined }) => {
  const all = Object.entries(PLATFORMS) as [Platform, (typeof PLATFORMS)[Platform]][];
  const others = all.filter(([key]) => key !== platform);
  const list = (
    <dl class="apps">
      {others.map(([, { name, apps }]) => (
        <div>
          <dt>{name}</dt>
          <dd>
            {apps.map((app) => (
              <div>
                <AppLink app={app} />
              </div>
            ))}
          </dd>
        </div>
      ))}
    </dl>
  );
  if (platform === undefined) return list;
  const { name, apps } = PLATFORMS[platform];
  const [first] = apps;
  return (
    <>
      <div class="app-here">
        <p class="quiet">{`For ${name}`}</p>
        {first === undefined ? null : (
          <a class="button broad" href={first.url} rel="noreferrer">
            {`Get ${first.name}`}
          </a>
        )}
        {apps.slice(1).map((app) => (
          <p>
            {'or '}
            <AppLink app={app} />
          </p>
        ))}
      </div>
      <details>
        <summary>For other devices</summary>
        {list}
      </details>
    </>
  );
};
