'use strict';

const net = require('node:net');
const path = require('node:path');
const v8 = require('node:v8');
const { createServer } = require('./http');
const { Runtime } = require('./runtime');

const REHEARSAL = path.join(__dirname, 'rehearsal');
const ROUNDS = 3;

/**
 * Plays a runtime's life once with functions of its own, on a server that only
 * listens meanwhile: loads a CommonJS and an ES module, calls them, with and
 * without a body. Node compiles code when it first runs, so without this the
 * first user would wait for it: about 20 ms instead of 2.
 */
async function warmUp(settings) {
  // Else V8 prepares code for speed only after some runs, and the load and the first requests would pay for that.
  v8.setFlagsFromString('--no-lazy-feedback-allocation');
  try {
    await rehearse(settings);
  } finally {
    v8.setFlagsFromString('--lazy-feedback-allocation');
  }
}

async function rehearse(settings) {
  const host = settings.host === '0.0.0.0' ? '127.0.0.1' : settings.host;
  void process.stderr;
  for (const file of ['function.js', 'module.mjs']) {
    const runtime = new Runtime({ ...settings, log: () => process.stdout.write('') });
    const server = createServer(runtime, settings);
    await new Promise((resolve, reject) => server.once('error', reject).listen({ host, port: 0 }, resolve));
    await play(server.address(), specialization(file));
    for (let round = 0; round < ROUNDS; round++) await play(server.address(), callOf(round));
    server.closeAllConnections();
    server.close();
  }
}

function specialization(file) {
  return post('/v2/specialize', JSON.stringify({ filepath: path.join(REHEARSAL, file), functionName: '' }));
}

function callOf(round) {
  return round % 2 === 0 ? 'GET /rehearsal?name=a HTTP/1.1\r\nHost: rehearsal\r\n\r\n' : post('/rehearsal', '{"name":"a"}');
}

function post(url, body) {
  return `POST ${url} HTTP/1.1\r\nHost: rehearsal\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** Sends one request and waits for the first bytes of its answer. */
function play({ address, port }, request) {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: address, port }, () => socket.write(request));
    socket.once('error', reject);
    socket.once('data', () => {
      socket.destroy();
      resolve();
    });
  });
}

module.exports = { warmUp };
