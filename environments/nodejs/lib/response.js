'use strict';

const { ServerResponse } = require('node:http');
const { isReadable, sendStream } = require('./stream');

const HTML = 'text/html; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';
const BYTES = 'application/octet-stream';

/**
 * What a function sees as `context.response`: Node's own response with the few
 * methods that functions know from Express.
 */
class FunctionResponse extends ServerResponse {
  /** Sets the status; returns the response. */
  status(code) {
    this.statusCode = code;
    return this;
  }

  /** Sets one header, or several from an object; returns the response. */
  set(name, value) {
    if (typeof name === 'object') {
      for (const key of Object.keys(name)) this.set(key, name[key]);
    } else if (value !== undefined) {
      this.setHeader(name, value);
    }
    return this;
  }

  /** The same as `set`, as in Express. */
  header(name, value) {
    return this.set(name, value);
  }

  /** A header set so far. */
  get(name) {
    return this.getHeader(name);
  }

  /** Sets the Content-Type; returns the response. */
  type(value) {
    return this.set('Content-Type', value);
  }

  /** Answers with a string, a Buffer, a Readable, or anything else as JSON. */
  send(body) {
    if (isReadable(body)) return sendStream(this, body);
    const { payload, type } = encode(body);
    if (payload === undefined) return this.end();
    if (!this.hasHeader('Content-Type')) this.setHeader('Content-Type', type);
    // Always counted here: a wrong length would spoil the connection for the next answer.
    this.setHeader('Content-Length', Buffer.byteLength(payload));
    this.removeHeader('Transfer-Encoding');
    return this.end(payload);
  }

  /** Answers with the value as JSON. */
  json(value) {
    if (!this.hasHeader('Content-Type')) this.setHeader('Content-Type', JSON_TYPE);
    return this.send(JSON.stringify(value));
  }

  /** Answers with a status and nothing else. */
  sendStatus(code) {
    this.statusCode = code;
    return this.end();
  }

  /** Answers with a redirect: `redirect(url)` is a 302, `redirect(status, url)` any. */
  redirect(statusOrUrl, url) {
    const [status, target] = url === undefined ? [302, statusOrUrl] : [statusOrUrl, url];
    this.statusCode = status;
    this.setHeader('Location', target);
    return this.end();
  }
}

/** Turns a body into bytes or text to send, and the type it has unless one was set. */
function encode(body) {
  if (body === undefined || body === null) return { payload: undefined, type: undefined };
  if (typeof body === 'string') return { payload: body, type: HTML };
  if (Buffer.isBuffer(body)) return { payload: body, type: BYTES };
  if (ArrayBuffer.isView(body)) return { payload: Buffer.from(body.buffer, body.byteOffset, body.byteLength), type: BYTES };
  if (body instanceof ArrayBuffer) return { payload: Buffer.from(body), type: BYTES };
  return { payload: JSON.stringify(body), type: JSON_TYPE };
}

module.exports = { FunctionResponse, encode };
