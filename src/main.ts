/** The server program: `rtcd [--config FILE]`. Builds the whole, runs it until it is told to end. */
import { parseArgs } from 'node:util';
import { PROGRAM } from './kit/program.ts';
import { operate } from './server/operate.ts';
import { type RunningServer, serve } from './server/serve.ts';
import { StartError } from './server/start-error.ts';

const USAGE = `rtcd: the real-time communication server

  rtcd [--config FILE]   run the server in the foreground
  rtcd --version         print the version

Without --config it reads $RTCD_CONFIG, ./rtcd.yaml or /etc/rtcd/rtcd.yaml; with none of them it
runs for localhost on loopback. It is administered with rtcctl.
`;

/** Exit status for wrong arguments, as the shell's own commands have it. */
const USAGE_STATUS = 2;

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        config: { type: 'string', short: 'c' },
        version: { type: 'boolean', short: 'v' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return process.exit(USAGE_STATUS);
  }
}

/** Within so many ms a signal is the same one again: npm passes on the Ctrl-C that we have got too. */
const ECHO_MS = 1000;

/** How long a server that cannot go on may take to end in good order. */
const FAILED_MS = 20_000;

/** Exit status of a server that did not end as it should: a service manager starts it again. */
const FAILED_STATUS = 1;

/**
 * Ends it on SIGTERM and SIGINT, and when it cannot go on; reloads on SIGHUP, one of which may have come
 * already. A second signal ends it at once.
 */
function oversee(server: RunningServer, mustReload: boolean): void {
  let status = 0;
  let stoppingSince: number | undefined;
  const stop = async () => {
    stoppingSince = performance.now();
    await server.stop().catch((error: unknown) => {
      status = FAILED_STATUS;
      process.stderr.write(textOf(error));
    });
    process.exit(status);
  };
  const obey = () => {
    if (stoppingSince === undefined) void stop();
    else if (performance.now() - stoppingSince > ECHO_MS) process.exit(FAILED_STATUS);
  };
  process.on('SIGTERM', obey);
  process.on('SIGINT', obey);
  process.on('SIGHUP', () => void server.reload());
  if (mustReload) void server.reload();
  void server.failed.then(() => {
    status = FAILED_STATUS;
    setTimeout(() => process.exit(status), FAILED_MS).unref();
    if (stoppingSince === undefined) void stop();
  });
}

// Whoever reads what we print may stop doing so, and its disk may be full: the server goes on.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

async function main(): Promise<void> {
  const { values, positionals } = readArguments();
  const options = { configFile: values.config, env: process.env, cwd: process.cwd() };
  const [command, ...more] = positionals;
  if (values.version === true) return void process.stdout.write(`rtcd ${PROGRAM.version}\n`);
  if (values.help === true) return void process.stdout.write(USAGE);
  if (command === 'operate' && more.length === 0) return operate(options);
  if (command !== undefined) {
    process.stderr.write(`rtcd: unknown argument ${command}\n\n${USAGE}`);
    process.exit(USAGE_STATUS);
  }
  // One that comes before there is a server would end the process.
  let isEarly = false;
  const noteEarly = () => {
    isEarly = true;
  };
  process.on('SIGHUP', noteEarly);
  const server = await serve(options);
  process.off('SIGHUP', noteEarly);
  oversee(server, isEarly);
  process.stdout.write(server.summary);
}

/** What the admin can mend is told in words; anything else is a bug and shows where. */
const textOf = (error: unknown): string =>
  error instanceof StartError
    ? `rtcd: ${error.message}\n`
    : `${String(error instanceof Error ? error.stack : error)}\n`;

main().catch((error: unknown) => {
  process.stderr.write(textOf(error));
  process.exit(FAILED_STATUS);
});
