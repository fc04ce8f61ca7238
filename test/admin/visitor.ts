/** A browser without a screen: keeps cookies, follows no redirect, sends forms with their hidden fields. */
import type { Hono } from 'hono';
import type { HttpEnv } from '../../src/http/client.ts';
import { PASSWORD } from './console-scene.ts';

/** What a visitor may be. */
export interface VisitorOptions {
  /** The address of his socket. */
  readonly remote?: string;
  /** Headers of each request. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Somebody who visits the console. */
export interface Visitor {
  readonly cookies: Map<string, string>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** The text of a page. */
  read(path: string): Promise<string>;
  /** Sends a form as a browser does; `csrf` is that of the page at `from` unless given. */
  submit(path: string, fields: Record<string, string>, options?: SubmitOptions): Promise<Response>;
  /** Calls the API. */
  call(operation: string, input: unknown, headers?: Record<string, string>): Promise<Response>;
  signIn(jid: string, password?: string): Promise<Response>;
}

/** How a form is sent. */
export interface SubmitOptions {
  /** The page on which the form is; the path itself if absent. */
  readonly from?: string;
  readonly headers?: Record<string, string>;
  readonly csrf?: string;
}

/** The token in a page. */
export function tokenIn(page: string): string {
  return /name="csrf" (?:value|content)="([^"]+)"/.exec(page)?.[1] ?? '';
}

/** Makes a visitor without cookies. */
export function visit(app: Hono<HttpEnv>, options: VisitorOptions = {}): Visitor {
  const cookies = new Map<string, string>();
  const env = { incoming: { socket: { remoteAddress: options.remote ?? '192.0.2.10' } } };
  const request = async (
    path: string,
    init: RequestInit & { headers?: Record<string, string> },
  ) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = {
      ...(cookie === '' ? {} : { cookie }),
      host: 'localhost',
      ...options.headers,
      ...init.headers,
    };
    const response = await app.request(path, { ...init, headers }, env);
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  };
  const get = (path: string, headers: Record<string, string> = {}) => request(path, { headers });
  const read = async (path: string) => (await get(path)).text();
  const submit = async (path: string, fields: Record<string, string>, how: SubmitOptions = {}) => {
    const csrf = how.csrf ?? tokenIn(await read(how.from ?? path));
    return request(path, {
      method: 'POST',
      body: new URLSearchParams({ csrf, ...fields }).toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        origin: 'http://localhost',
        'sec-fetch-site': 'same-origin',
        ...how.headers,
      },
    });
  };
  return {
    cookies,
    get,
    read,
    submit,
    async call(operation, input, headers = {}) {
      const token = headers['x-csrf-token'] ?? tokenIn(await read('/admin'));
      return request(`/api/operations/${operation}`, {
        method: 'POST',
        body: JSON.stringify(input),
        headers: { 'content-type': 'application/json', 'x-csrf-token': token, ...headers },
      });
    },
    signIn: (jid, password = PASSWORD) => submit('/admin/sign-in', { jid, password }),
  };
}
