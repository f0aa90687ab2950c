'use strict';

const stream = require('node:stream');

/** Whether a value is a Readable, a web ReadableStream or another async iterable to be streamed. */
function isReadable(value) {
  if (value === null || typeof value !== 'object') return false;
  return typeof value.pipe === 'function' || typeof value.getReader === 'function' ||
    typeof value[Symbol.asyncIterator] === 'function';
}

/**
 * Streams a body to the response; its head is sent at once. An error of the
 * source cuts the connection, so that the client notices; a client that goes
 * away destroys the source.
 */
function sendStream(res, body) {
  const source = typeof body.pipe === 'function' ? body : stream.Readable.from(body);
  if (!res.hasHeader('Content-Type')) res.setHeader('Content-Type', 'application/octet-stream');
  res.flushHeaders();
  stream.pipeline(source, res, (err) => {
    if (!err || err.code === 'ERR_STREAM_PREMATURE_CLOSE') return;
    console.error('function error while streaming:', err);
    res.destroy();
  });
  return res;
}

module.exports = { isReadable, sendStream };
