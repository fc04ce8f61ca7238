import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, Keys, makePlace, Paper, type Place, refuses, says } from './support.ts';

let place: Place;
beforeEach(async () => {
  place = await makePlace();
});
afterEach(() => place.stop());

describe('a command', () => {
  test('sends its input and shows the answer', async () => {
    await place.serve(says({ jid: 'joe@falcot.com', locked: true }));
    const ran = await place.run(['user', 'lock', 'joe@falcot.com']);
    expect(ran).toEqual({ exit: 0, out: 'joe@falcot.com is locked.\n', err: '' });
    expect(place.asked).toEqual([
      { method: 'POST', path: '/api/operations/accounts.lock', input: { jid: 'joe@falcot.com' } },
    ]);
  });

  test('waits as long as it is told, however long that is', async () => {
    const answer = says({ jid: 'joe@falcot.com', locked: true });
    await place.serve((asked, response) => void setTimeout(() => answer(asked, response), 20));
    const ran = await place.run(['user', 'lock', 'joe@falcot.com', '--timeout', '9999999']);
    expect(ran).toMatchObject({ exit: 0, err: '' });
  });

  test('takes options wherever they stand', async () => {
    await place.serve(says({ accounts: [], total: 0 }));
    const ran = await place.run(['--json', 'user', 'list', '--limit', '5', '--search=jo']);
    expect(JSON.parse(ran.out)).toEqual({ ok: true, value: { accounts: [], total: 0 } });
    expect(place.asked[0]?.input).toEqual({ limit: 5, search: 'jo' });
    expect((await place.run(['user', 'list'])).out).toBe('No accounts.\n');
  });

  test.each([
    ['not-found', 4],
    ['conflict', 5],
    ['forbidden', 6],
    ['invalid-input', 2],
    ['refused', 1],
    ['unavailable', 1],
    ['internal', 1],
  ])('that ends with %s exits with %i and says why', async (why, exit) => {
    await place.serve(refuses(why, 'There is no joe; did you mean jo?'));
    const ran = await place.run(['user', 'show', 'joe@falcot.com']);
    expect(ran).toEqual({ exit, out: '', err: 'rtcctl: There is no joe; did you mean jo?\n' });
    const json = await place.run(['user', 'show', 'joe@falcot.com', '--json']);
    expect(json).toMatchObject({ exit, err: '' });
    expect(JSON.parse(json.out)).toMatchObject({ ok: false, why });
  });

  test('that was not asked well tells the fault by the name of the option or argument', async () => {
    await place.serve((_, response) => {
      const fields = { keyType: 'It is one of ec, rsa.', names: "'b c' (number 2 of 2) is bad" };
      response.end(
        JSON.stringify({ ok: false, why: 'invalid-input', text: 'names.1: is bad', fields }),
      );
    });
    const ran = await place.run(['cert', 'generate', 'falcot.com', '--names', 'a,b c']);
    expect(ran.err).toBe(
      "rtcctl: --key-type: It is one of ec, rsa.; --names: 'b c' (number 2 of 2) is bad\n",
    );
  });

  test('that finds an error is answered and exits with 1', async () => {
    const findings = [{ level: 'error', area: 'dns', subject: 'falcot.com', text: 'Wrong.' }];
    await place.serve(says({ healthy: false, findings }));
    const ran = await place.run(['check']);
    expect(ran).toMatchObject({ exit: 1, err: '' });
    expect(ran.out).toMatch(/^level +area +subject +text\nerror +dns +falcot\.com +Wrong\.\n$/);
  });

  test('writes control characters out, so that no answer plays with the terminal', async () => {
    await place.serve(refuses('refused', 'bad \u001b[2J\u202e'));
    expect((await place.run(['status'])).err).toBe('rtcctl: bad \\u001b[2J\\u202e\n');
  });

  test('shows a value that its own words do not expect by its fields', async () => {
    await place.serve(says({ somethingElse: true }));
    const ran = await place.run(['user', 'lock', 'joe@falcot.com', '--json']);
    expect(JSON.parse(ran.out)).toEqual({ ok: true, value: { somethingElse: true } });
    expect((await place.run(['user', 'lock', 'joe@falcot.com'])).exit).toBe(0);
  });

  test('reads files', async () => {
    await writeFile(join(place.folder, 'c.pem'), 'CERT\n');
    await writeFile(join(place.folder, 'k.pem'), 'KEY\n');
    await place.serve(refuses('refused', 'no'));
    const argv = ['cert', 'import', 'falcot.com', '--certificate', 'c.pem', '--key', 'k.pem'];
    await place.run(argv);
    expect(place.asked[0]?.input).toEqual({
      domain: 'falcot.com',
      certificate: 'CERT\n',
      key: 'KEY\n',
    });
    const ran = await place.run(['cert', 'import', 'falcot.com', '--certificate', 'none.pem']);
    expect(ran).toMatchObject({ exit: 2, err: 'rtcctl: none.pem cannot be read (ENOENT)\n' });
  });

  test('gathers lists', async () => {
    await place.serve(refuses('refused', 'no'));
    await place.run([
      'cert',
      'request',
      'a.example',
      '--names',
      'b.example,c.example',
      '--names',
      'd.example',
    ]);
    expect(place.asked[0]?.input).toEqual({
      domain: 'a.example',
      names: ['b.example', 'c.example', 'd.example'],
    });
  });
});

describe('usage', () => {
  test.each([
    [['usr', 'list'], /unknown command 'usr'\n\(Did you mean user\?\)/],
    [['user', 'lst'], /unknown command 'lst'\n\(Did you mean list\?\)/],
    [['user', 'list', '--serch', 'x'], /unknown option '--serch'\n\(Did you mean --search\?\)/],
    [['user', 'lock'], /missing required argument 'jid'/],
    [['user', 'lock', 'a@b', 'c@d'], /too many arguments/],
    [['user', 'list', '--limit', 'many'], /limit: 'many' is not a whole number/],
    [['log', 'level', 'loud'], /level: 'loud' is not one of trace, debug/],
    [['cert', 'import', 'a.example'], /required option '--certificate <file>' not specified/],
    [['status', '--timeout', 'soon'], /--timeout: give seconds/],
    [['completion', 'csh'], /Allowed choices are bash, zsh, fish/],
    [['help', 'usr'], /unknown command 'usr'/],
    [[], /^Usage: rtcctl/],
    [['user'], /^Usage: rtcctl user/],
  ])('%j is told what is wrong, and exits with 2', async (argv, text) => {
    const ran = await place.run(argv);
    expect(ran).toMatchObject({ exit: 2, out: '' });
    expect(ran.err).toMatch(text);
    expect(place.asked.filter(({ method }) => method === 'POST')).toEqual([]);
  });

  test('help needs no server, and knows the exit codes', async () => {
    const whole = await place.run(['--help']);
    expect(whole).toMatchObject({ exit: 0, err: '' });
    expect(whole.out).toMatch(/adduser <jid> +Create an account\./);
    expect((await place.run(['help', 'user', 'list'])).out).toMatch(/^Usage: rtcctl user list/);
    expect((await place.run(['help', 'exit-codes'])).out).toMatch(/^ {2}3 {2}rtcd is not running/m);
    expect((await place.run(['--version'])).out).toBe('9.8.7\n');
  });

  test('commands that only the running server has are offered and run', async () => {
    const description = {
      name: 'roster.count',
      command: ['roster', 'count'],
      summary: 'Count contacts.',
      effect: 'read',
      offline: false,
      positional: ['jid'],
      secret: [],
      input: { type: 'object', properties: { jid: { type: 'string' } }, required: ['jid'] },
      output: { type: 'object', properties: { contacts: { type: 'integer' } } },
    };
    await place.serve((asked, response) =>
      says(asked.method === 'GET' ? [description] : { contacts: 7 })(asked, response),
    );
    expect((await place.run(['roster', 'count', 'jo@falcot.com'])).out).toBe('contacts  7\n');
    expect((await place.run(['--help'])).out).toContain('roster');
  });

  test('commands of the server are told in its words, where it has some', async () => {
    const description = {
      name: 'motd.delete',
      command: ['motd', 'delete'],
      summary: 'Delete it.',
      effect: 'change',
      offline: true,
      positional: [],
      secret: [],
      input: { type: 'object', properties: {} },
      output: { type: 'object', properties: { host: { type: 'string' } } },
    };
    const text = 'falcot.com has none any more.';
    await place.serve(({ method, path }, response) => {
      const words = path.endsWith('?words') ? { text } : {};
      const outcome = { ok: true, value: { host: 'falcot.com' }, ...words };
      const all = { ok: true, value: [description] };
      response.end(JSON.stringify(method === 'GET' ? all : outcome));
    });
    expect((await place.run(['motd', 'delete'])).out).toBe(`${text}\n`);
    const json = JSON.parse((await place.run(['motd', 'delete', '--json'])).out);
    expect(json).toEqual({ ok: true, value: { host: 'falcot.com' } });
  });
});

describe('a file that is -', () => {
  const pieces = (values: readonly unknown[]): Answer => {
    return (_, response) => {
      response.setHeader('Content-Type', 'application/x-ndjson');
      response.end(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
    };
  };
  const written = { accounts: 2, bytes: 11 };

  test('is standard input', async () => {
    await place.serve(refuses('conflict', 'Another import is under way.'));
    const ran = await place.run(['import', '-', '--dry-run'], { stdin: '<server-data/>' });
    expect(ran).toMatchObject({ exit: 5, out: '', err: 'rtcctl: Another import is under way.\n' });
    const [asked] = place.asked;
    const { pathname, searchParams } = new URL(asked?.path ?? '', 'http://localhost');
    expect(pathname).toBe('/api/sources/portable.import');
    expect(JSON.parse(searchParams.get('input') ?? '')).toEqual({ file: '-', dryRun: true });
    expect(asked?.source).toBe('<server-data/>');
  });

  test('is standard output, which has the document alone; what it was is told beside', async () => {
    await place.serve(pieces(['<a>\n', 'é</a>\n', written]));
    const ran = await place.run(['export', '-', '--host', 'falcot.com']);
    expect(ran).toEqual({ exit: 0, out: '<a>\né</a>\n', err: '2 accounts, 11 bytes\n' });
    const json = await place.run(['export', '-', '--json']);
    expect(json.out).toBe('<a>\né</a>\n');
    expect(JSON.parse(json.err)).toEqual({ ok: true, value: written });
  });

  test('that breaks off is told of', async () => {
    await place.serve(pieces(['<a>']));
    const ran = await place.run(['export', '-']);
    expect(ran).toMatchObject({ exit: 1, out: '<a>' });
    expect(ran.err).toContain('not whole');
    await place.serve(refuses('refused', 'Not now.'));
    expect(await place.run(['export', '-', '--json'])).toMatchObject({ exit: 1, out: '' });
  });

  test('is read as slowly as it is taken', async () => {
    await place.serve(
      pieces([...'abcdef'.split('').map((letter) => letter.repeat(50_000)), written]),
    );
    const out = new Paper({ highWaterMark: 1 });
    expect((await place.run(['export', '-'], { out })).out).toHaveLength(300_000);
  });
});

describe('a command that only the server knows, and it does not tell', () => {
  test('since it is slow: --timeout is waited for, exit code 7', async () => {
    await place.serve(() => {});
    const ran = await place.run(['group', 'list', '--timeout', '0.05']);
    expect(ran).toMatchObject({ exit: 7, out: '' });
    expect(ran.err).toMatch(
      /^rtcctl: rtcd did not answer in time at .*; --timeout waits longer\.\n$/,
    );
  });

  test('since it is not rtcd: exit code 1', async () => {
    await place.serve((_, response) => void response.end('hello'));
    expect(await place.run(['group', 'list'])).toMatchObject({ exit: 1, out: '' });
    expect(await place.run(['user', '--help'])).toMatchObject({ exit: 0, err: '' });
  });
});

describe('without a server', () => {
  test('a config file that is not there is told', async () => {
    expect(await place.run(['status', '--config', 'none.yaml'])).toEqual({
      exit: 2,
      out: '',
      err: 'rtcctl: --config: none.yaml: there is no such file\n',
    });
  });

  test('a command that needs it says so, and exits with 3', async () => {
    const ran = await place.run(['status']);
    expect(ran).toEqual({
      exit: 3,
      out: '',
      err: `rtcctl: rtcd is not running (no socket at ${place.socket}), and rtcctl status needs it; start it with npm start\n`,
    });
    const json = await place.run(['status', '--json']);
    expect(JSON.parse(json.out)).toMatchObject({ ok: false, why: 'unavailable' });
  });

  test('a config by which the socket may have moved is told, with the way to the one before', async () => {
    await writeFile(join(place.folder, 'moved.yaml'), 'data: moved\n');
    const env = { RTCD_SOCKET: undefined };
    const ran = await place.run(['reload', '--config', 'moved.yaml'], { env });
    expect(ran).toMatchObject({ exit: 3, out: '' });
    expect(ran.err).toMatch(
      /moved\/rtcctl\.sock\).*data or adminSocket .* --socket names the one before\n$/,
    );
    expect((await place.run(['reload'], { env })).err).toMatch(/npm start\n$/);
  });

  /** A server's program that tells what it was given. */
  const program = async (body: string) => {
    const file = join(place.folder, 'program.mjs');
    await writeFile(
      file,
      `import { text } from 'node:stream/consumers';
       const request = JSON.parse(await text(process.stdin));
       const told = { argv: process.argv.slice(2), config: process.env.RTCD_CONFIG, request };
       ${body}`,
    );
    return file;
  };

  test('others run by its program; secrets go by standard input, never by arguments', async () => {
    const serverProgram = await program(
      `console.log('noise'); console.log(JSON.stringify({ ok: true, value: told }));`,
    );
    const argv = ['adduser', 'joe@falcot.com', '--password-stdin', '--json', '--config', 'x.yaml'];
    const ran = await place.run(argv, { stdin: 'hush hush\n', serverProgram });
    expect(ran.exit).toBe(0);
    expect(JSON.parse(ran.out).value).toEqual({
      argv: ['operate'],
      config: 'x.yaml',
      request: { name: 'accounts.add', input: { jid: 'joe@falcot.com', password: 'hush hush' } },
    });
  });

  test('commands of modules are known by its program', async () => {
    const list = {
      name: 'invitations.list',
      command: ['invite', 'list'],
      summary: 'List invitations.',
      effect: 'read',
      offline: true,
      positional: ['host'],
      secret: [],
      input: { type: 'object', properties: { host: { type: 'string' } } },
      output: { type: 'object' },
    };
    const show = { ...list, name: 'roster.show', command: ['user', 'contacts'], offline: false };
    const serverProgram = await program(
      `const all = ${JSON.stringify([list, show])};
       const value = request.name === 'operations.describe' ? all : told.request;
       console.log(JSON.stringify({ ok: true, value }));`,
    );
    const ran = await place.run(['invite', 'list', 'falcot.com', '--json'], { serverProgram });
    expect(JSON.parse(ran.out).value).toEqual({
      name: 'invitations.list',
      input: { host: 'falcot.com' },
    });
    expect((await place.run(['user', 'contacts'], { serverProgram })).exit).toBe(3);
    expect(await place.run(['invite', 'lost'], { serverProgram })).toMatchObject({ exit: 2 });
  });

  test('why the commands of modules are not known is told', async () => {
    const serverProgram = await program(
      `console.log(JSON.stringify({ ok: false, why: 'refused', text: 'The config has faults' }));`,
    );
    const ran = await place.run(['invite', 'list'], { serverProgram });
    expect(ran).toMatchObject({ exit: 2, out: '' });
    expect(ran.err).toMatch(/The config has faults[\s\S]*unknown command 'invite'/);
  });

  test('a file that is - goes to it and comes from it', async () => {
    const serverProgram = join(place.folder, 'pipes.js');
    await writeFile(
      serverProgram,
      `let text = '';
       process.stdin.on('data', (chunk) => (text += chunk));
       process.stdin.on('end', () => {
         const [request, ...rest] = text.split('\\n');
         const print = (value) => console.log(JSON.stringify(value));
         if (JSON.parse(request).name === 'portable.export') {
           print({ told: '<a/>' });
           print({ told: { accounts: 1, bytes: 4 } });
           print({ ok: true, value: null });
         } else print({ ok: false, why: 'refused', text: rest.join('|') });
       });`,
    );
    expect(await place.run(['export', '-'], { serverProgram })).toEqual({
      exit: 0,
      out: '<a/>',
      err: '1 account, 4 bytes\n',
    });
    const ran = await place.run(['import', '-'], { serverProgram, stdin: '<a>\n</a>' });
    expect(ran.err).toBe('rtcctl: <a>|</a>\n');
  });

  test('a program that fails is told of', async () => {
    const serverProgram = await program(`throw new TypeError('the roof is off');`);
    const ran = await place.run(['user', 'list'], { serverProgram });
    expect(ran.exit).toBe(1);
    expect(ran.err).toMatch(/ended with status 1: TypeError: the roof is off/);
  });

  test('a program that is interrupted is ended, and that is the exit code', async () => {
    const interruption = new AbortController();
    const begun = join(place.folder, 'begun');
    const serverProgram = await program(
      `const { writeFile } = await import('node:fs/promises');
       await writeFile(${JSON.stringify(begun)}, '');
       setInterval(() => {}, 1000);`,
    );
    const running = place.run(['user', 'list'], { serverProgram, signal: interruption.signal });
    const isThere = () =>
      access(begun).then(
        () => true,
        () => false,
      );
    await expect.poll(isThere, { timeout: 20_000 }).toBe(true);
    interruption.abort();
    expect(await running).toEqual({ exit: 130, out: '', err: '' });
  });

  test.each([
    ['server:\n', 'data/rtcctl.sock'],
    ['data: d\n', 'd/rtcctl.sock'],
    ['data: d\nadminSocket: ./s/own.sock\n', 's/own.sock'],
    ['adminSocket: ~/own.sock\nlimts: {}\n', 'own.sock'],
    ['adminSocket: [\n', 'data/rtcctl.sock'],
  ])('the socket is found by the config %j', async (yaml, path) => {
    await mkdir(join(place.folder, 'etc'));
    await writeFile(join(place.folder, 'etc/rtcd.yaml'), yaml);
    const ran = await place.run(['status', '--config', 'etc/rtcd.yaml'], {
      env: { RTCD_SOCKET: '', HOME: join(place.folder, 'etc') },
    });
    expect(ran.err).toContain(`(no socket at ${join(place.folder, 'etc', path)})`);
  });

  test('--socket goes before $RTCD_SOCKET', async () => {
    expect((await place.run(['status', '--socket', 'x.sock'])).err).toContain(
      `no socket at ${join(place.folder, 'x.sock')}`,
    );
  });
});

describe('a server that does not do as it should', () => {
  test('and hangs, is given up on', async () => {
    await place.serve(() => {});
    const ran = await place.run(['status', '--timeout', '0.05']);
    expect(ran).toMatchObject({ exit: 7, err: expect.stringMatching(/did not answer in time/) });
  });

  test('and breaks off, is told of', async () => {
    await place.serve((_, response) => response.destroy());
    expect(await place.run(['status'])).toMatchObject({
      exit: 1,
      err: expect.stringMatching(/broke/),
    });
  });

  test.each(['not JSON', '{}', '{"ok":false}', '[]'])(
    'and answers %s, is told of',
    async (body) => {
      await place.serve((_, response) => response.end(body));
      const ran = await place.run(['status']);
      expect(ran).toMatchObject({ exit: 1, err: expect.stringMatching(/not one of rtcd's/) });
    },
  );

  test('and Ctrl-C ends the waiting', async () => {
    const interruption = new AbortController();
    await place.serve(() => interruption.abort());
    expect((await place.run(['status'], { signal: interruption.signal })).exit).toBe(130);
  });
});

describe('passwords', () => {
  beforeEach(() => place.serve(says({ jid: 'joe@falcot.com' })));
  const add = ['adduser', 'joe@falcot.com'];
  const passwords = () => place.asked.map(({ input }) => (input as { password: string }).password);

  test('are asked for twice, without echo', async () => {
    const keys = new Keys();
    const err = new Paper();
    const running = place.run(add, { stdin: keys, err });
    await err.holds('Password: ');
    expect(keys.isRaw).toBe(true);
    keys.write('hush-hushx\u007f\r');
    await err.holds('Password again: ');
    keys.write('hush-hush\r');
    const ran = await running;
    expect(ran).toMatchObject({ exit: 0, out: 'joe@falcot.com was created.\n' });
    expect(place.asked[0]?.input).toEqual({ jid: 'joe@falcot.com', password: 'hush-hush' });
    expect(ran.out + ran.err).not.toContain('hush');
    expect(keys.isRaw).toBe(false);
  });

  test('that come in one piece are both taken', async () => {
    const keys = new Keys();
    keys.write('grün grün\ngrün grün\n');
    await place.run(add, { stdin: keys });
    expect(place.asked[0]?.input).toMatchObject({ password: 'grün grün' });
  });

  test('that differ are asked for once more', async () => {
    const keys = new Keys();
    keys.write('one one\ranother\rsame same\rsame same\r');
    const ran = await place.run(add, { stdin: keys });
    expect(ran.err).toContain('They differ. Once more:');
    expect(place.asked[0]?.input).toMatchObject({ password: 'same same' });
  });

  test.each(['\u0003', '\u0004'])('Ctrl-C and Ctrl-D change nothing', async (key) => {
    const keys = new Keys();
    keys.write(key);
    const ran = await place.run(add, { stdin: keys });
    expect(ran).toMatchObject({ exit: 130, out: '' });
    expect(place.asked).toEqual([]);
  });

  test('are read from standard input', async () => {
    await place.run([...add, '--password-stdin'], { stdin: ' with spaces \n' });
    expect(place.asked[0]?.input).toMatchObject({ password: ' with spaces ' });
  });

  test('are made and shown once', async () => {
    const ran = await place.run([...add, '--generate', '--admin']);
    const [password = ''] = passwords();
    expect(password).toMatch(/^[a-z2-9]{5}(-[a-z2-9]{5}){3}$/);
    expect(ran.out).toBe(`joe@falcot.com was created.\nPassword: ${password}\n`);
    const json = await place.run([...add, '--generate', '--json']);
    const [, second] = passwords();
    expect(JSON.parse(json.out)).toMatchObject({ ok: true, generated: second });
    expect(second).not.toBe(password);
  });

  test('that were made are not shown when the account was not', async () => {
    await place.serve(refuses('conflict', 'exists'));
    const ran = await place.run([...add, '--generate']);
    expect(ran).toEqual({ exit: 5, out: '', err: 'rtcctl: exists\n' });
  });

  test('cannot be asked for without a terminal', async () => {
    const ran = await place.run(add);
    expect(ran).toMatchObject({ exit: 2 });
    expect(ran.err).toContain('give --password-stdin or --generate');
    expect((await place.run([...add, '--generate', '--password-stdin'])).err).toContain('not both');
  });
});

describe('deluser', () => {
  beforeEach(() => place.serve(says({ jid: 'joe@falcot.com' })));
  const argv = ['deluser', 'joe@falcot.com'];

  test.each([
    ['y\r', 1],
    ['YES\r', 1],
    ['\r', 0],
    ['no\r', 0],
    ['\u0003', 0],
  ])('asks on a terminal; %j', async (typed, asked) => {
    const keys = new Keys();
    keys.write(typed);
    const ran = await place.run(argv, { stdin: keys });
    expect(ran.err).toContain(
      'Remove joe@falcot.com with its contacts and messages, for good? [y/N]',
    );
    expect(place.asked).toHaveLength(asked);
    expect(ran.exit).toBe(asked === 1 ? 0 : 130);
  });

  test('does not ask with --yes, or without a terminal', async () => {
    expect((await place.run([...argv, '--yes'], { stdin: new Keys() })).exit).toBe(0);
    expect((await place.run(argv)).exit).toBe(0);
    expect(place.asked).toHaveLength(2);
  });
});

describe('s2s test', () => {
  const steps = [
    { verdict: 'ok', step: 'tcp', subject: 'x.example (192.0.2.7) port 5269', text: 'Fine.' },
    {
      verdict: 'error',
      step: 'summary',
      subject: 'far.example',
      text: 'It is \u001b[31mred.',
      detail: 'Hello,\n\n- renew it',
      healthy: false,
    },
  ];

  test('prints each step, the letter below the last one, and fails where the domain does', async () => {
    await place.serve((_, response) => {
      response.setHeader('Content-Type', 'application/x-ndjson');
      response.end(steps.map((step) => `${JSON.stringify(step)}\n`).join(''));
    });
    const ran = await place.run(['s2s', 'test', 'far.example', '--host', 'falcot.com']);
    expect(place.asked[0]?.input).toEqual({ domain: 'far.example', host: 'falcot.com' });
    expect(ran.out).toBe(
      [
        'ok       tcp  x.example (192.0.2.7) port 5269  Fine.',
        'error    summary  far.example  It is \\u001b[31mred.',
        '  Hello,',
        '',
        '  - renew it',
        '',
      ].join('\n'),
    );
    expect(ran.exit).toBe(1);
    const other = await place.run(['s2s', 'test', 'far.example', '--json']);
    expect(
      other.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(steps);
    expect(other.exit).toBe(1);
  });
});

describe('watch', () => {
  const entry = (xml: string) =>
    `${JSON.stringify({ at: Date.UTC(2026, 0, 1), direction: 'in', stream: 's', xml })}\n`;

  test('prints each stanza as it comes, until the server ends it', async () => {
    await place.serve((_, response) => {
      response.setHeader('Content-Type', 'application/x-ndjson');
      const line = entry('<presence/>');
      response.write(line.slice(0, 20));
      response.write(line.slice(20));
      response.end(entry('<message>\n</message>'));
    });
    const ran = await place.run(['watch', 'joe@falcot.com', '--seconds', '5', '--bodies']);
    expect(ran.exit).toBe(0);
    expect(ran.out.split('\n')).toEqual([
      expect.stringMatching(/^\d\d:\d\d:\d\d {2}in {2}<presence\/>$/),
      expect.stringMatching(/in {2}<message>\\u000a<\/message>$/),
      '',
    ]);
    expect(place.asked[0]?.input).toEqual({ jid: 'joe@falcot.com', seconds: 5, bodies: true });
  });

  test('ends well with Ctrl-C, and the server is told by the connection', async () => {
    const left = new Promise((resolve) => {
      void place.serve((_, response) => {
        response.setHeader('Content-Type', 'application/x-ndjson');
        response.write(entry('<presence/>'));
        response.once('close', resolve);
      });
    });
    const interruption = new AbortController();
    const out = new Paper();
    const argv = ['watch', 'joe@falcot.com', '--timeout', '0.2', '--json'];
    const running = place.run(argv, { out, signal: interruption.signal });
    await out.holds('presence');
    expect(JSON.parse(out.text)).toMatchObject({ xml: '<presence/>' });
    interruption.abort();
    expect((await running).exit).toBe(0);
    await left;
  });

  test('of an account that is not there fails', async () => {
    await place.serve(refuses('not-found', 'There is no joe.'));
    expect((await place.run(['watch', 'joe@falcot.com'])).exit).toBe(4);
  });
});
