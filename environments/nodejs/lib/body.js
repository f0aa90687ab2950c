'use strict';

const querystring = require('node:querystring');

/** An error that is answered with its own status and text. */
class BodyError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Whether a request carries a body at all. */
function hasBody(req) {
  const length = req.headers['content-length'];
  return req.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/**
 * Reads a request's body, of at most limit bytes, into req.rawBody and its
 * parsed form into req.body, then calls done(err).
 */
function readBody(req, limit, done) {
  if (Number(req.headers['content-length'] || 0) > limit) {
    done(tooLarge(limit));
    return;
  }
  const chunks = [];
  let size = 0;
  let failed = false;
  req.on('data', (chunk) => {
    size += chunk.length;
    if (size <= limit) {
      chunks.push(chunk);
    } else if (!failed) {
      failed = true;
      done(tooLarge(limit));
    }
  });
  req.on('end', () => {
    if (!failed) finish(req, chunks, done);
  });
}

function tooLarge(limit) {
  return new BodyError(413, `request body larger than ${limit} bytes (BODY_PARSER_LIMIT)`);
}

function finish(req, chunks, done) {
  req.rawBody = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
  try {
    req.body = parseBody(req.rawBody, req.headers['content-type']);
  } catch (err) {
    done(err);
    return;
  }
  done();
}

/**
 * Parses a body by its type: JSON to a value, a form to an object, text to a
 * string; everything else stays a Buffer. An empty body is `{}`.
 */
function parseBody(raw, contentType = '') {
  if (raw.length === 0) return {};
  const type = contentType.split(';', 1)[0].trim().toLowerCase();
  if (type === 'application/json' || type.endsWith('+json')) return parseJSON(raw);
  if (type === 'application/x-www-form-urlencoded') return { ...querystring.parse(raw.toString('utf8')) };
  if (type.startsWith('text/')) return raw.toString(charsetOf(contentType));
  return raw;
}

function parseJSON(raw) {
  try {
    return JSON.parse(raw.toString('utf8'));
  } catch (err) {
    throw new BodyError(400, `request body is not JSON: ${err.message}`);
  }
}

function charsetOf(contentType) {
  return /charset="?iso-8859-1"?/i.test(contentType) ? 'latin1' : 'utf8';
}

module.exports = { BodyError, hasBody, parseBody, readBody };
