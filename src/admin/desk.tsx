/** What every page of the console works with: asking operations, rendering, going on after a change. */
import type { Context } from 'hono';
import { html } from 'hono/html';
import type { Child } from 'hono/jsx';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { z } from 'zod';
import type { Role } from '../core/accounts.ts';
import type { Authority } from '../core/authority.ts';
import type { MaybePromise } from '../core/hooks.ts';
import {
  type Actor,
  failure,
  type OperationFailure,
  type OperationOutcome,
  type Operations,
  type Source,
} from '../core/operation.ts';
import type { Client, HttpEnv } from '../http/client.ts';
import { domainOf } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/log.ts';
import { statusOf } from './api.ts';
import type { AssetPaths } from './assets.ts';
import { type Area, Layout } from './ui/layout.tsx';
import { Problem } from './ui/parts.tsx';
import type { Flash, WebSession } from './web-sessions.ts';

/** What a signed-in request carries. */
export interface AdminEnv extends HttpEnv {
  Variables: { session: WebSession; client: Client };
}

/** A signed-in request. */
export type Ask = Context<AdminEnv>;

/** A page's head. */
export interface PageHead {
  readonly title: string;
  readonly area: Area;
}

/** The fields of a form that was sent, files as their text. */
export type Fields = Readonly<Record<string, string>>;

/** The desk. */
export interface Desk {
  readonly clock: Clock;
  readonly paths: AssetPaths;
  /** The domains that are served, for choices: that of the signed-in admin first. */
  domains(c: Ask): readonly string[];
  /** The role of the signed-in admin. */
  roleOf(c: Ask): MaybePromise<Role>;
  /** Runs an operation as the signed-in admin and reads its value. */
  ask<S extends z.ZodType>(
    c: Ask,
    name: string,
    input: object,
    view: S,
  ): Promise<OperationOutcome<z.output<S>>>;
  /** Runs a watch to its end, and reads all its values. */
  collect<S extends z.ZodType>(
    c: Ask,
    name: string,
    input: object,
    view: S,
  ): Promise<OperationOutcome<readonly z.output<S>[]>>;
  /** Runs an operation whose value does not matter. */
  run(c: Ask, name: string, input: object, source?: Source): Promise<OperationOutcome<unknown>>;
  /** Reads the value of an operation that has run. */
  read<S extends z.ZodType>(
    name: string,
    outcome: OperationOutcome<unknown>,
    view: S,
  ): OperationOutcome<z.output<S>>;
  /** A whole page. */
  page(
    c: Ask,
    head: PageHead,
    body: Child,
    status?: ContentfulStatusCode,
  ): Response | Promise<Response>;
  /** A page with a form: a problem is why what was sent by it was refused, as its status says. */
  form(
    c: Ask,
    head: PageHead,
    body: Child,
    problem: OperationFailure | undefined,
  ): Response | Promise<Response>;
  /** A page that says only why there is nothing to show. */
  problem(c: Ask, head: PageHead, problem: OperationFailure): Response | Promise<Response>;
  /** Goes on to a page after a change, which says what was done (POST-redirect-GET). */
  done(c: Ask, to: string, message: string | Flash): Response;
}

/** Who the signed-in admin is to the operations. */
export function actorOf(c: Context<AdminEnv>, via: 'console' | 'rest'): Actor {
  return { name: c.get('session').account, via, remote: c.get('client').address };
}

/** Makes the desk. */
export function createDesk(options: {
  operations: Operations;
  clock: Clock;
  log: Logger;
  paths: AssetPaths;
  domains: () => readonly string[];
  authority: Pick<Authority, 'roleOf'>;
}): Desk {
  const { operations, clock, log, paths, domains, authority } = options;
  const roleOf = (c: Ask) => authority.roleOf(c.get('session').account);
  const page: Desk['page'] = async (c, { title, area }, body, status = 200) => {
    const session = c.get('session');
    const isOperator = (await roleOf(c)) === 'operator';
    const whole = (
      <Layout
        title={title}
        area={area}
        isOperator={isOperator}
        paths={paths}
        account={session.account}
        csrf={session.csrf}
        flashes={isPart(c) ? [] : session.takeFlashes()}
      >
        {body}
      </Layout>
    );
    return c.html(html`<!doctype html>${whole}`, status);
  };
  const read = <S extends z.ZodType>(
    name: string,
    value: unknown,
    view: S,
  ): OperationOutcome<z.output<S>> => {
    const parsed = view.safeParse(value);
    if (parsed.success) return { ok: true, value: parsed.data } as const;
    log.error({ err: parsed.error, operation: name }, 'the console cannot read what it was told');
    return failure('internal', 'The server made a mistake; its log says which.');
  };
  return {
    clock,
    paths,
    domains(c) {
      const own = domainOf(c.get('session').account);
      return domains().toSorted((one, other) => Number(other === own) - Number(one === own));
    },
    roleOf,
    async ask(c, name, input, view) {
      const outcome = await operations.run(name, input, actorOf(c, 'console'));
      return outcome.ok ? read(name, outcome.value, view) : outcome;
    },
    async collect(c, name, input, view) {
      const outcome = await operations.run(name, input, actorOf(c, 'console'));
      if (!outcome.ok) return outcome;
      const values: z.output<typeof view>[] = [];
      for await (const value of watched(outcome.value, c.req.raw.signal)) {
        const one = read(name, value, view);
        if (!one.ok) return one;
        values.push(one.value);
      }
      return { ok: true, value: values };
    },
    run: (c, name, input, source) => operations.run(name, input, actorOf(c, 'console'), source),
    read: (name, outcome, view) => (outcome.ok ? read(name, outcome.value, view) : outcome),
    page,
    form: (c, head, body, problem) => page(c, head, body, problem === undefined ? 200 : 422),
    problem: (c, head, problem) =>
      page(
        c,
        head,
        <>
          <h1 class="wrap">{head.title}</h1>
          <Problem problem={problem} />
        </>,
        statusOf(problem.why),
      ),
    done(c, to, message) {
      c.get('session').flash(
        typeof message === 'string' ? { tone: 'done', text: message } : message,
      );
      return c.redirect(to, 303);
    },
  };
}

/** The values of a watch, until they or the request end. */
export async function* watched(value: unknown, signal: AbortSignal): AsyncGenerator<unknown> {
  if (!isAsyncIterable(value)) return;
  const iterator = value[Symbol.asyncIterator]();
  const leave = () => void iterator.return?.();
  signal.addEventListener('abort', leave);
  try {
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', leave);
    leave();
  }
}

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

/**
 * Whether the script asks, which shows a part of the page: by itself, also while another page is on its way
 * and when nobody is there.
 */
export const isPart = (c: Context): boolean => c.req.header('x-part') !== undefined;

/** The fields of the form that was sent; none of one that is malformed. */
export async function fieldsOf(c: Context): Promise<Fields> {
  const fields: Record<string, string> = {};
  const body = await c.req.parseBody().catch((error: unknown): Fields => {
    if (error instanceof TypeError) return {};
    throw error; // it broke off, or is too large
  });
  for (const [name, value] of Object.entries(body)) {
    if (typeof value === 'string') fields[name] = value;
    else if (value instanceof File) fields[name] = await value.text();
  }
  return fields;
}

/** The fields without those that were left empty: an operation's own defaults hold for them. */
export function filled(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
}

/** A whole number of a query, at least 0; `fallback` where it is none. */
export function whole(raw: string | undefined, fallback: number): number {
  return raw !== undefined && /^\d{1,9}$/.test(raw) ? Number(raw) : fallback;
}

/** An address of the console with its query; empty values are left out. */
export function link(path: string, query: Readonly<Record<string, string | number>> = {}): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query))
    if (value !== '' && value !== 0) params.set(key, String(value));
  const text = params.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** The address of a user's page, or of something that can be done with him. */
export function userPath(jid: string, action = ''): string {
  return `/admin/users/${encodeURIComponent(jid)}${action === '' ? '' : `/${action}`}`;
}

/** The address of a host's page. */
export function hostPath(domain: string, action = ''): string {
  return `/admin/hosts/${encodeURIComponent(domain)}${action === '' ? '' : `/${action}`}`;
}
