'use strict';

// Entry point of the Node.js runtime: reads the settings, listens, warms up,
// and ends in an orderly way on SIGTERM.

const { readSettings } = require('./lib/settings');
const { Runtime } = require('./lib/runtime');
const { createServer, closeServer } = require('./lib/http');
const { tagOutputs } = require('./lib/tags');
const { warmUp } = require('./lib/warmup');

async function main() {
  let settings;
  try {
    settings = readSettings(process.argv.slice(2), process.env);
  } catch (err) {
    console.error(`node runtime: ${err.message}`);
    process.exit(2);
  }
  tagOutputs(process.env);
  const runtime = new Runtime(settings);
  const server = createServer(runtime, settings);
  server.on('error', (err) => {
    console.error(`node runtime: listen on ${settings.host}:${settings.port}: ${err.message}`);
    process.exit(1);
  });
  stopOnSignal(server, runtime);
  keepRunningOnStrayErrors(runtime);
  await warmUp(settings).catch((err) => console.error('node runtime: warm-up:', err));
  server.listen({ host: settings.host, port: settings.port, backlog: 1024 });
}

/** On SIGTERM or SIGINT: no new connections, answer what is in flight, exit 0. */
function stopOnSignal(server, runtime) {
  const stop = () => closeServer(server, runtime, () => process.exit(0));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

/**
 * A function's stray error (thrown in a timer, a rejection nobody handles) must
 * not take down the other requests of the pod: it is logged, and when exactly
 * one request is in flight, that request is answered with it instead of hanging.
 */
function keepRunningOnStrayErrors(runtime) {
  process.on('uncaughtException', (err) => {
    console.error('uncaught exception in the function:', err);
    runtime.failOnlyRequest(err);
  });
  process.on('unhandledRejection', (reason) => {
    console.error('unhandled rejection in the function:', reason);
  });
}

main();
