'use strict';

const { IncomingMessage } = require('node:http');
const querystring = require('node:querystring');

const PARAMS_PREFIX = 'x-fission-params-';

/**
 * What a function sees as `context.request`: Node's own request (a Readable
 * stream with `method`, `url` and `headers`) with the few names that functions
 * know from Express. Everything derived is computed when it is first asked for.
 */
class FunctionRequest extends IncomingMessage {
  constructor(socket) {
    super(socket);
    /** The parsed body: object, string or Buffer; `{}` without one. */
    this.body = undefined;
    /** The body as it came; undefined when the function reads the stream itself. */
    this.rawBody = undefined;
  }

  /** Path without the query. */
  get path() {
    const mark = this.url.indexOf('?');
    return mark < 0 ? this.url : this.url.slice(0, mark);
  }

  /** The query as an object; a name given more than once has an array. */
  get query() {
    const mark = this.url.indexOf('?');
    return this.#keep('query', mark < 0 ? {} : { ...querystring.parse(this.url.slice(mark + 1)) });
  }

  /** Path and query as the client sent them, before the route was applied. */
  get originalUrl() {
    return this.headers['x-fission-full-url'] || this.url;
  }

  /** The variables of the route's path template; their names are lower case. */
  get params() {
    const params = {};
    for (const [name, value] of Object.entries(this.headers)) {
      if (name.startsWith(PARAMS_PREFIX)) params[name.slice(PARAMS_PREFIX.length)] = value;
    }
    return this.#keep('params', params);
  }

  /** Host name that the client called, without the port. */
  get hostname() {
    const host = this.headers['x-forwarded-host'] || this.headers.host || '';
    return host.replace(/:\d+$/, '');
  }

  /** Scheme that the client used. */
  get protocol() {
    return this.headers['x-forwarded-proto'] || 'http';
  }

  /** Address of the client as the first proxy saw it. */
  get ip() {
    const forwarded = this.headers['x-forwarded-for'];
    return forwarded ? forwarded.split(',')[0].trim() : this.socket.remoteAddress;
  }

  /** An AbortSignal that fires when the client goes away before the answer is complete. */
  get signal() {
    const controller = new AbortController();
    const left = () => {
      if (!this.res.writableFinished) controller.abort();
    };
    this.socket.once('end', left);
    this.res.once('close', () => {
      this.socket.off('end', left);
      left();
    });
    if (this.socket.readableEnded) left();
    return this.#keep('signal', controller.signal);
  }

  /** A header by its name in any case. */
  get(name) {
    return this.headers[name.toLowerCase()];
  }

  /** The same as `get`, as in Express. */
  header(name) {
    return this.get(name);
  }

  #keep(name, value) {
    Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
    return value;
  }
}

// Functions may assign to what is computed (`request.query = …`), as in Express.
for (const name of ['path', 'query', 'originalUrl', 'params', 'hostname', 'protocol', 'ip']) {
  const { get } = Object.getOwnPropertyDescriptor(FunctionRequest.prototype, name);
  Object.defineProperty(FunctionRequest.prototype, name, {
    get,
    set(value) {
      Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
    },
    configurable: true,
  });
}

module.exports = { FunctionRequest };
