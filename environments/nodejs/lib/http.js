'use strict';

const http = require('node:http');
const { FunctionRequest } = require('./request');
const { FunctionResponse } = require('./response');
const { asksForWebSocket } = require('./websocket');

// Longer than any idle time of the queue-proxy towards the runtime, so that it
// is never the runtime that closes a connection a request is already on.
const KEEP_ALIVE_MS = 75_000;

// Envoy lets 60 KiB of headers through by default, and routing adds some.
const MAX_HEADER_BYTES = 128 * 1024;

/**
 * The HTTP server in front of a Runtime. It has no deadline of its own for a
 * request: the platform bounds the run of a function.
 */
function createServer(runtime, settings) {
  const server = http.createServer(
    {
      IncomingMessage: FunctionRequest,
      ServerResponse: FunctionResponse,
      keepAlive: true,
      noDelay: true,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: 0,
      requestTimeout: 0,
      connectionsCheckingInterval: 60_000,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    (req, res) => runtime.handle(req, res),
  );
  server.maxRequestsPerSocket = 0;
  server.timeout = 0;
  // Who left closes its side. Ours stays open until the function is done: by its end the queue-proxy knows.
  server.httpAllowHalfOpen = true;
  server.on('upgrade', (req, socket, head) => upgrade(runtime, req, socket, head));
  server.on('checkContinue', (req, res) => continueOrRefuse(runtime, settings, req, res));
  return server;
}

/** A WebSocket goes to a function that takes them; else the request is answered as any other. */
function upgrade(runtime, req, socket, head) {
  if (asksForWebSocket(req) && runtime.takesWebSockets) {
    runtime.handleWebSocket(req, socket, head);
    return;
  }
  const res = new FunctionResponse(req);
  res.shouldKeepAlive = false;
  res.assignSocket(socket);
  res.once('finish', () => socket.end());
  runtime.handle(req, res);
}

/** Lets the client send its body, unless it is too large. */
function continueOrRefuse(runtime, settings, req, res) {
  const length = Number(req.headers['content-length'] || 0);
  if (length <= settings.bodyLimit || runtime.streamsBodies) res.writeContinue();
  else res.setHeader('Connection', 'close'); // Nobody knows whether the body still comes.
  runtime.handle(req, res);
}

/** Stops listening, closes idle connections and calls done after the last answer. */
function closeServer(server, runtime, done) {
  runtime.drain();
  server.close(done);
  server.closeIdleConnections();
}

module.exports = { createServer, closeServer };
