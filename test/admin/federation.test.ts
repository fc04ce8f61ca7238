import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ExaminationStep } from '../../src/operations/federation-service.ts';
import { link } from '../support/federation-side.ts';
import { type ConsoleScene, startConsole } from './console-scene.ts';
import { type Visitor, visit } from './visitor.ts';

const ADMIN = 'lucie@falcot.com';
const PAGE = '/admin/federation';

let console: ConsoleScene;
let admin: Visitor;
beforeEach(async () => {
  console = await startConsole({ accounts: [ADMIN, 'joe@second.example'] });
  admin = visit(console.app);
  await admin.signIn(ADMIN);
});
afterEach(() => console.stop());

/** The page to which a form leads. */
const follow = async (answer: Response) => {
  expect(answer.status, await answer.clone().text()).toBe(303);
  return admin.read(answer.headers.get('location') ?? '');
};
/** Text as a browser shows it, without tags. */
const wordsOf = (page: string) =>
  page
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('&lt;', '<');

const summary: ExaminationStep = {
  step: 'summary',
  subject: 'far.example',
  verdict: 'error',
  text: 'falcot.com cannot talk with far.example. The certificate expired.',
  detail: 'Hello,\nplease renew it.',
};

function* said(): Generator<ExaminationStep> {
  const subject = 'x.far.example (192.0.2.7) port 5269';
  yield { step: 'tcp', subject, verdict: 'ok', text: 'It takes connections.' };
  yield {
    step: 'certificate',
    subject,
    verdict: 'error',
    text: '<script>alert(1)</script>',
    detail: 'names: x\nvalid: never',
  };
  yield summary;
}

describe('links', () => {
  test('are shown with security and proof; one that waits says why', async () => {
    console.federation.links = [
      link('far.example', 'falcot.com', { direction: 'both' }),
      link('plain.example', 'falcot.com', {
        protocol: undefined,
        authenticatedBy: 'dialback',
        management: 'none',
        queued: 2,
        unacknowledged: 1,
      }),
      link('gone.example', 'falcot.com', {
        state: 'waiting',
        protocol: undefined,
        authenticatedBy: undefined,
        since: undefined,
        remoteAddress: undefined,
        queued: 3,
        failure: 'nobody <b>listens</b> there',
      }),
    ];
    const page = await admin.read(PAGE);
    const words = wordsOf(page);
    expect(words).toMatch(
      /far\.example falcot\.com .*Connected .*Both ways TLSv1\.3 192\.0\.2\.7:5269/,
    );
    expect(words).toMatch(/Certificate \(SASL EXTERNAL\)/);
    expect(words).toMatch(/Yes, and resumed when it breaks/);
    expect(words).toMatch(/plain\.example .*Not encrypted .*Dialback No .*2 stanzas 1 not acknowl/);
    expect(words).toMatch(/Tries again later .*3 stanzas/);
    expect(page).toContain('nobody &lt;b&gt;listens');
    expect(await admin.read(`${PAGE}?search=plain`)).not.toContain('gone.example');
  });

  test('of a domain are closed after a question', async () => {
    console.federation.links = [link('far.example', 'falcot.com')];
    const page = await follow(await admin.submit(`${PAGE}/close`, { domain: 'far.example' }));
    expect(page).toContain('1 stream with far.example closed.');
  });
});

describe('a domain', () => {
  test('is shown with its history and the policy', async () => {
    console.federation.events = [
      {
        host: console.federation.links[0]?.host ?? link('x.example', 'falcot.com').host,
        direction: 'out',
        outcome: 'failed',
        text: 'nobody listens there',
        first: 1,
        last: 2,
        count: 7,
      },
    ];
    const words = wordsOf(await admin.read(`${PAGE}/with/far.example`));
    expect(words).toMatch(/Failed .*nobody listens there .*7/);
    expect(words).toMatch(/falcot\.com .*Yes .*Nothing speaks against it/);
  });

  test('is blocked, listed, and freed again', async () => {
    const fields = { domain: 'far.example', host: 'falcot.com' };
    const page = await follow(await admin.submit(`${PAGE}/block`, fields));
    expect(page).toContain('far.example is blocked.');
    expect(wordsOf(page)).toMatch(/far\.example Blocked falcot\.com/);
    expect(wordsOf(await admin.read(`${PAGE}/with/far.example`))).toContain('It is blocked here.');
    const freed = await follow(await admin.submit(`${PAGE}/reset`, fields));
    expect(freed).toContain('For far.example, the config holds again.');
  });

  test('that is none, or ours, is refused beside the field', async () => {
    const wrong = await admin.submit(`${PAGE}/block`, { domain: 'not a domain' });
    expect(wrong.status).toBe(422);
    expect(await wrong.text()).toMatch(/aria-invalid="true"/);
    const ours = await admin.submit(`${PAGE}/block`, { domain: 'second.example' });
    expect(await ours.text()).toContain('is served here');
  });
});

describe('the examination', () => {
  beforeEach(() => {
    console.federation.steps = async function* () {
      yield* said();
    };
  });

  test("is shown as a whole, the outcome first, strangers' words as text", async () => {
    const page = await admin.read(`${PAGE}/test?domain=far.example&host=falcot.com`);
    expect(page.indexOf('cannot talk')).toBeLessThan(page.indexOf('It takes connections'));
    expect(page).toContain('please renew it.');
    expect(page).toContain('&lt;script&gt;alert(1)');
    expect(page).toContain('names: x\nvalid: never');
    expect(page.match(/cannot talk/g)).toHaveLength(1);
  });

  test('says what is wrong with the domain, and asks again', async () => {
    const answer = await admin.get(`${PAGE}/test?domain=`);
    expect(answer.status).toBe(422);
    expect(await answer.text()).toContain('aria-invalid');
    const none = await admin.read(`${PAGE}/test?domain=far.example&host=falcot.com`);
    expect(none.match(/<h1/g)).toHaveLength(1);
  });

  test('can be watched live: the page has a template for each verdict', async () => {
    const page = await admin.read(PAGE);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size, 'ids are used once').toBe(ids.length);
    for (const verdict of ['ok', 'warning', 'error', 'skipped']) {
      expect(page).toContain(`<template data-step="${verdict}">`);
      expect(page).toContain(`<template data-outcome="${verdict}">`);
    }
  });
});

test('a host shows the DNS records that it needs, and what is found', async () => {
  const page = await admin.read('/admin/hosts/falcot.com/dns');
  expect(page).toContain('_xmpp-server._tcp');
  expect(page).toContain('5 0 5222 xmpp-gw.falcot.com.');
  expect(wordsOf(page)).toMatch(/Warning falcot\.com It has no address/);
  expect(await admin.read('/admin/hosts/falcot.com')).toContain(
    'data-load="/admin/hosts/falcot.com/dns"',
  );
});
