'use strict';

// The framing of RFC 6455: bytes to frames and back. No sockets here.

const OPCODE = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 };

/** A breach of the protocol, with the status that closes the connection. */
class FrameError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Returns the bytes of one unmasked frame, as servers send it. */
function encodeFrame(opcode, payload) {
  const size = payload.length;
  const head = Buffer.alloc(size < 126 ? 2 : size < 65536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  if (size < 126) {
    head[1] = size;
  } else if (size < 65536) {
    head[1] = 126;
    head.writeUInt16BE(size, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(size), 2);
  }
  return Buffer.concat([head, payload]);
}

/** Collects bytes of a client and gives its frames. */
class FrameReader {
  #chunks = [];
  #size = 0;
  #limit;

  /** @param {number} limit the longest payload that is taken */
  constructor(limit) {
    this.#limit = limit;
  }

  push(chunk) {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  /** The next whole frame, or undefined; throws a FrameError. */
  next() {
    if (this.#size < 2) return undefined;
    const head = this.#peek(Math.min(this.#size, 14));
    const { opcode, final, size, headSize } = parseHead(head);
    if (size > this.#limit) throw new FrameError(1009, `a message larger than ${this.#limit} bytes`);
    if (headSize === undefined || this.#size < headSize + size) return undefined;
    const whole = this.#take(headSize + size);
    const mask = whole.subarray(headSize - 4, headSize);
    const payload = Buffer.from(whole.subarray(headSize));
    for (let i = 0; i < payload.length; i++) payload[i] ^= mask[i & 3];
    return { opcode, final, payload };
  }

  #peek(count) {
    if (this.#chunks[0].length < count) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0].subarray(0, count);
  }

  #take(count) {
    const all = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    this.#size -= count;
    this.#chunks = this.#size > 0 ? [all.subarray(count)] : [];
    return all.subarray(0, count);
  }
}

/** Reads a frame's head; headSize is undefined when it is not there as a whole. */
function parseHead(head) {
  const opcode = head[0] & 0x0f;
  const final = (head[0] & 0x80) !== 0;
  const control = opcode >= 8;
  if (head[0] & 0x70) throw new FrameError(1002, 'an extension that was not agreed on');
  if (!Object.values(OPCODE).includes(opcode)) throw new FrameError(1002, `unknown opcode ${opcode}`);
  if (!(head[1] & 0x80)) throw new FrameError(1002, 'a frame without mask');
  const short = head[1] & 0x7f;
  if (control && (short > 125 || !final)) throw new FrameError(1002, 'a control frame that is long or in pieces');
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
  const headSize = 2 + lengthBytes + 4;
  if (head.length < 2 + lengthBytes) return { opcode, final, size: 0 };
  const size = lengthBytes === 8 ? Number(head.readBigUInt64BE(2)) : lengthBytes === 2 ? head.readUInt16BE(2) : short;
  return { opcode, final, size, headSize };
}

module.exports = { FrameError, FrameReader, OPCODE, encodeFrame };
