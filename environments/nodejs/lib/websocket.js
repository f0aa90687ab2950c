'use strict';

const { createHash } = require('node:crypto');
const { EventEmitter } = require('node:events');
const { isUtf8 } = require('node:buffer');
const { FrameError, FrameReader, OPCODE, encodeFrame } = require('./frames');

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const CLOSE_MS = 5000;
const NO_STATUS = 1005;
const ABNORMAL = 1006;

/**
 * A client's WebSocket as functions know it from the package ws: `send`, `close`, `ping`, `terminate`, `readyState`,
 * and the events `message` (data, isBinary), `close` (code, reason), `ping`, `pong` and `error`; or the properties
 * `onmessage` and `onclose` and `addEventListener`, as in browsers.
 */
class WebSocket extends EventEmitter {
  #socket;
  #reader;
  #limit;
  #pieces = [];
  #kind;
  #size = 0;
  #timer;
  #heard = true;
  #closedWith;

  onmessage = null;
  onclose = null;
  onerror = null;
  readyState = WebSocket.OPEN;

  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSING = 2;
  static CLOSED = 3;

  /** Takes over a socket whose handshake is done; `settings` are bodyLimit and pingMs. */
  constructor(socket, settings) {
    super();
    this.#socket = socket;
    this.#limit = settings.bodyLimit;
    this.#reader = new FrameReader(settings.bodyLimit);
    socket.setTimeout(0);
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('end', () => socket.end());
    socket.on('error', () => {}); // The end that follows tells.
    socket.on('close', () => this.#ended());
    this.#timer = setInterval(() => this.#beat(), settings.pingMs).unref();
  }

  /** Bytes that are not sent yet: the client reads more slowly than the function writes. */
  get bufferedAmount() {
    return this.#socket.writableLength;
  }

  /** Sends text, or bytes; `options.binary` says otherwise. done(err) is called when it is written. */
  send(data, options, done) {
    const callback = typeof options === 'function' ? options : done;
    if (this.readyState !== WebSocket.OPEN) {
      callback?.(new Error('the WebSocket is not open'));
      return;
    }
    const bytes = toBytes(data);
    const binary = options?.binary ?? typeof data === 'object';
    this.#write(binary ? OPCODE.BINARY : OPCODE.TEXT, bytes, callback);
  }

  /** Sends a ping. */
  ping(data = '') {
    this.#write(OPCODE.PING, toBytes(data));
  }

  /** Closes in order: says so and waits for the client's goodbye. */
  close(code = NO_STATUS, reason = '') {
    if (this.readyState >= WebSocket.CLOSING) return;
    this.readyState = WebSocket.CLOSING;
    this.#write(OPCODE.CLOSE, closePayload(code, reason));
    setTimeout(() => this.#socket.destroy(), CLOSE_MS).unref();
  }

  /** Cuts the connection. */
  terminate() {
    this.#socket.destroy();
  }

  addEventListener(name, listener) {
    this.on(name, (...args) => listener(toEvent(this, name, args)));
  }

  #write(opcode, payload, callback) {
    if (this.#socket.writable) this.#socket.write(encodeFrame(opcode, payload), callback);
  }

  #take(chunk) {
    this.#heard = true;
    if (this.#closedWith) return;
    try {
      this.#reader.push(chunk);
      for (let frame = this.#reader.next(); frame && !this.#closedWith; frame = this.#reader.next()) this.#handle(frame);
    } catch (err) {
      if (!(err instanceof FrameError)) throw err;
      this.#closedWith = { code: err.status, reason: Buffer.from(err.message) };
      this.close(err.status, err.message);
      this.#socket.end();
    }
  }

  #handle({ opcode, final, payload }) {
    switch (opcode) {
      case OPCODE.PING:
        this.#write(OPCODE.PONG, payload);
        this.emit('ping', payload);
        break;
      case OPCODE.PONG:
        this.emit('pong', payload);
        break;
      case OPCODE.CLOSE:
        this.#goodbye(payload);
        break;
      default:
        this.#message(opcode, final, payload);
    }
  }

  #message(opcode, final, payload) {
    const follows = opcode === OPCODE.CONTINUATION;
    if (follows !== (this.#kind !== undefined)) throw new FrameError(1002, 'pieces of messages that do not fit');
    if (!follows) this.#kind = opcode;
    this.#pieces.push(payload);
    this.#size += payload.length;
    if (this.#size > this.#limit) throw new FrameError(1009, `a message larger than ${this.#limit} bytes`);
    if (!final) return;
    const data = this.#pieces.length === 1 ? payload : Buffer.concat(this.#pieces);
    const isBinary = this.#kind === OPCODE.BINARY;
    this.#kind = undefined;
    this.#pieces = [];
    this.#size = 0;
    if (!isBinary && !isUtf8(data)) throw new FrameError(1007, 'text that is not UTF-8');
    this.#tell('message', data, isBinary);
  }

  #goodbye(payload) {
    if (payload.length === 1) throw new FrameError(1002, 'half a status');
    const code = payload.length < 2 ? NO_STATUS : payload.readUInt16BE(0);
    const valid = code === NO_STATUS || (code >= 3000 && code < 5000) || (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code));
    if (!valid) throw new FrameError(1002, 'a status that may not be sent');
    this.#closedWith = { code, reason: payload.subarray(2) };
    this.close(code === NO_STATUS ? NO_STATUS : code);
    this.#socket.end();
  }

  #beat() {
    if (!this.#heard) {
      this.terminate();
      return;
    }
    this.#heard = false;
    this.ping();
  }

  #ended() {
    clearInterval(this.#timer);
    this.readyState = WebSocket.CLOSED;
    const { code, reason } = this.#closedWith ?? { code: ABNORMAL, reason: Buffer.alloc(0) };
    this.#tell('close', code, reason);
  }

  /** Calls the function's listeners; what they throw must not keep the frames that follow from being read. */
  #tell(name, ...args) {
    try {
      this.emit(name, ...args);
      this[`on${name}`]?.(toEvent(this, name, args));
    } catch (err) {
      process.nextTick(() => {
        throw err;
      });
    }
  }
}

function toBytes(data) {
  if (Buffer.isBuffer(data)) return data;
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer) return Buffer.from(data);
  return Buffer.from(String(data));
}

function closePayload(code, reason) {
  if (code === NO_STATUS) return Buffer.alloc(0);
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return Buffer.concat([payload, Buffer.from(reason).subarray(0, 123)]);
}

function toEvent(target, type, [first, second]) {
  if (type === 'message') return { type, target, data: second ? first : first.toString() };
  if (type === 'close') return { type, target, code: first, reason: second.toString(), wasClean: first !== ABNORMAL };
  return { type, target, data: first };
}

/** Whether a request asks for a WebSocket. */
function asksForWebSocket(req) {
  return req.method === 'GET' && /^websocket$/i.test(req.headers.upgrade ?? '');
}

/** Answers the handshake; returns the WebSocket, or undefined after a refusal. */
function accept(req, socket, head, settings) {
  const key = req.headers['sec-websocket-key'] ?? '';
  if (req.headers['sec-websocket-version'] !== '13' || Buffer.from(key, 'base64').length !== 16) {
    const text = 'this is no handshake of WebSocket version 13\n';
    socket.end(`HTTP/1.1 400 Bad Request\r\nSec-WebSocket-Version: 13\r\nConnection: close\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
    return undefined;
  }
  const digest = createHash('sha1').update(key + GUID).digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${digest}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  return new WebSocket(socket, settings);
}

module.exports = { WebSocket, accept, asksForWebSocket };
