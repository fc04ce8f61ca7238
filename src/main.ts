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

/** Ends on SIGTERM and SIGINT, reloads on SIGHUP. A second signal ends it at once. */
function obeySignals(server: RunningServer): void {
  let stoppingSince: number | undefined;
  const end = async () => {
    if (stoppingSince !== undefined) {
      if (performance.now() - stoppingSince > ECHO_MS) process.exit(1);
      return;
    }
    stoppingSince = performance.now();
    await server.stop();
    process.exit(0);
  };
  process.on('SIGTERM', () => void end());
  process.on('SIGINT', () => void end());
  process.on('SIGHUP', () => {
    void server.operations.run('server.reload', {}, { name: 'SIGHUP', via: 'socket' });
  });
}

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
  const server = await serve(options);
  obeySignals(server);
  process.stdout.write(server.summary);
}

main().catch((error: unknown) => {
  // What the admin can mend is told in words; anything else is a bug and shows where.
  process.stderr.write(
    error instanceof StartError
      ? `rtcd: ${error.message}\n`
      : `${String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exit(1);
});
