'use strict';

const { isReadable } = require('./stream');

const RESULT_KEYS = ['status', 'statusCode', 'body', 'headers'];

/**
 * Calls a function in the form that its number of parameters tells: none or
 * `(context)` returns its result, `(context, callback)` may also call back with
 * (status, body, headers). onError gets what the function throws or rejects with.
 */
function invoke(func, req, res, onError) {
  const context = { request: req, response: res };
  try {
    const withCallback = func.length > 1;
    const result = withCallback ? func(context, callbackFor(res, onError)) : func.length === 0 ? func() : func(context);
    if (typeof result?.then === 'function') {
      result.then((value) => answer(res, value, withCallback)).catch(onError);
    } else {
      answer(res, result, withCallback);
    }
  } catch (err) {
    onError(err);
  }
}

function callbackFor(res, onError) {
  return (status, body, headers) => {
    if (res.writableEnded || res.headersSent) return;
    try {
      reply(res, status || 200, body, headers);
    } catch (err) {
      onError(err);
    }
  };
}

/**
 * Answers with what the function returned. A function that returned nothing
 * answers through the callback or the response, if it took one; else it is done.
 */
function answer(res, result, withCallback) {
  if (res.writableEnded || res.headersSent) return;
  if (result === undefined && withCallback) return;
  if (result === undefined || result === null) {
    reply(res, 200);
  } else if (isResult(result)) {
    reply(res, result.status || result.statusCode || 200, result.body, result.headers);
  } else {
    reply(res, 200, result);
  }
}

/** Whether a value is `{status, body, headers}` rather than a body of its own. */
function isResult(value) {
  if (typeof value !== 'object' || Buffer.isBuffer(value) || isReadable(value)) return false;
  return RESULT_KEYS.some((key) => key in value);
}

function reply(res, status, body, headers) {
  res.statusCode = Number(status);
  if (headers) res.set(headers);
  res.send(body);
}

module.exports = { invoke };
