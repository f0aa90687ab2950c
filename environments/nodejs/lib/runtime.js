'use strict';

const { inspect } = require('node:util');
const { BodyError, hasBody, readBody } = require('./body');
const { invoke } = require('./invoke');
const { loadFunction } = require('./loader');
const { during } = require('./tags');
const { accept } = require('./websocket');

const SPECIALIZE_LIMIT = 1024 * 1024;

/**
 * The life of a runtime process: generic, until one specialize call loads a
 * function; from then on every request is that function's.
 */
class Runtime {
  #settings;
  #func;
  #loading = false;
  #draining = false;
  #inFlight = new Set();
  #clients = new Set();

  /** Whether the function reads request bodies itself, unparsed. */
  streamsBodies = false;

  /** Whether the function takes WebSockets, as `(ws, clients)`. */
  takesWebSockets = false;

  constructor(settings) {
    this.#settings = settings;
  }

  /** Handles one request. */
  handle(req, res) {
    req.res = res;
    this.#inFlight.add(res);
    res.once('close', () => this.#inFlight.delete(res));
    if (this.#draining) res.setHeader('Connection', 'close');
    if (req.method === 'POST' && (req.url === '/v2/specialize' || req.url === '/specialize')) {
      this.#specialize(req, res);
    } else if (this.#func !== undefined) {
      this.#call(req, res);
    } else if (req.url === '/healthz') {
      answerText(res, 200, 'OK\n');
    } else {
      answerText(res, 500, 'Generic container: no requests supported\n');
    }
  }

  /** Hands a WebSocket to the function; an error of it closes the connection with 1011. */
  handleWebSocket(req, socket, head) {
    const ws = accept(req, socket, head, this.#settings);
    if (ws === undefined) return;
    this.#clients.add(ws);
    ws.once('close', () => this.#clients.delete(ws));
    ws.request = req;
    const failed = (err) => {
      console.error('function error:', err);
      ws.close(1011, this.#settings.showErrors ? String(err?.message ?? err) : 'Internal server error');
    };
    during(req, () => {
      try {
        Promise.resolve(this.#func(ws, this.#clients)).catch(failed);
      } catch (err) {
        failed(err);
      }
    });
  }

  /** Has every connection closed with its last answer, those in flight included. */
  drain() {
    this.#draining = true;
    for (const ws of this.#clients) ws.close(1001, 'going away');
    for (const res of this.#inFlight) {
      if (res.headersSent) res.once('finish', () => res.socket?.end());
      else res.setHeader('Connection', 'close');
    }
  }

  /** Answers the request in flight with err when there is exactly one. */
  failOnlyRequest(err) {
    if (this.#inFlight.size !== 1) return;
    const [res] = this.#inFlight;
    this.#fail(res, err);
  }

  #specialize(req, res) {
    if (this.#func !== undefined || this.#loading) {
      answerText(res, 400, 'Not a generic container\n');
      return;
    }
    this.#loading = true;
    req.headers['content-type'] = ''; // Parsed here, whatever it says that it is.
    readBody(req, SPECIALIZE_LIMIT, (err) => {
      const loaded = err ? Promise.reject(err) : this.#load(req);
      loaded.then(
        () => answerText(res, 202, ''),
        (cause) => this.#refuseLoad(res, cause),
      ).finally(() => {
        this.#loading = false;
      });
    });
  }

  async #load(req) {
    const { filepath, functionName, env } = loadRequest(req, this.#settings.codePath);
    Object.assign(process.env, env);
    const began = performance.now();
    const { func, streamsBodies, takesWebSockets } = await loadFunction(filepath, functionName, this.#settings);
    this.#func = func;
    this.streamsBodies = streamsBodies;
    this.takesWebSockets = takesWebSockets;
    this.#settings.log(`function loaded from ${filepath} in ${(performance.now() - began).toFixed(1)} ms`);
  }

  #refuseLoad(res, err) {
    const text = err instanceof BodyError ? err.message : stackOf(err);
    console.error('function cannot be loaded:', text);
    answerText(res, err?.status || 500, `${text}\n`);
  }

  #call(req, res) {
    if (this.streamsBodies || !hasBody(req)) {
      req.body = this.streamsBodies ? undefined : {};
      this.#invoke(req, res);
      return;
    }
    readBody(req, this.#settings.bodyLimit, (err) => (err ? refuseBody(res, err) : this.#invoke(req, res)));
  }

  #invoke(req, res) {
    const failed = (err) => {
      console.error('function error:', err);
      this.#fail(res, err);
    };
    during(req, () => invoke(this.#func, req, res, failed));
  }

  #fail(res, err) {
    if (res.headersSent) {
      res.destroy();
      return;
    }
    for (const name of res.getHeaderNames()) {
      if (name !== 'connection') res.removeHeader(name);
    }
    const detail = this.#settings.showErrors ? `: ${err?.message ?? err}` : '';
    answerText(res, 500, `Internal server error${detail}\n`);
  }
}

/**
 * What a specialize request asks to load, and the function's variables. Version 1 has a fixed path, and a body
 * only when the function has variables.
 */
function loadRequest(req, codePath) {
  if (req.url === '/specialize') {
    return { filepath: codePath, functionName: '', env: req.rawBody.length === 0 ? {} : variables(parseLoad(req.rawBody)) };
  }
  const asked = parseLoad(req.rawBody);
  if (typeof asked.filepath !== 'string' || asked.filepath === '') throw badLoad();
  return { filepath: asked.filepath, functionName: asked.functionName || '', env: variables(asked) };
}

function parseLoad(raw) {
  try {
    return JSON.parse(raw.toString('utf8')) ?? {};
  } catch {
    throw badLoad();
  }
}

function variables({ env = {} }) {
  const valid = env !== null && typeof env === 'object' && Object.values(env).every((value) => typeof value === 'string');
  if (!valid) throw new BodyError(400, 'specialize: env must be an object of strings');
  return env;
}

function badLoad() {
  return new BodyError(400, 'specialize: the body must be JSON with a filepath');
}

/** A body that cannot be used. Node discards what is left of it, so the connection can go on. */
function refuseBody(res, err) {
  answerText(res, err.status || 400, `${err.message}\n`);
}

/** The stack of an error with the source line of a syntax error, or the value itself. */
function stackOf(err) {
  return err?.stack ? inspect(err) : String(err);
}

function answerText(res, status, text) {
  res.statusCode = status;
  res.setHeader('Content-Type', 'text/plain; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(text));
  res.end(text);
}

module.exports = { Runtime };
