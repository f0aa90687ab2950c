'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');

const current = new AsyncLocalStorage();
const MAX_ID = 128;

/**
 * Has what is written to the process's outputs during a call tagged with the id of
 * its request, whatever other calls go on beside it: see docs/logs.md. Does nothing
 * where HOTPOD_LOG_TAGS is "false".
 */
function tagOutputs(env) {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    let midLine = false;
    stream.write = (chunk, ...rest) => {
      const call = typeof chunk === 'string' && chunk !== '' && env.HOTPOD_LOG_TAGS !== 'false' ? current.getStore() : undefined;
      const continues = midLine;
      if (typeof chunk === 'string' && chunk !== '') midLine = !chunk.endsWith('\n');
      return write(call?.tag ? tagged(chunk, call.tag, continues) : chunk, ...rest);
    };
  }
}

/** Runs func with the lines that it causes tagged as of req. */
function during(req, func) {
  current.run(new Call(req.headers), func);
}

/** One call; its tag is made when it first writes. */
class Call {
  #headers;
  #tag;

  constructor(headers) {
    this.#headers = headers;
  }

  get tag() {
    if (this.#tag === undefined) this.#tag = tagOf(this.#headers);
    return this.#tag;
  }
}

/** The beginnings of tagged lines; null when the request has no id. */
function tagOf(headers) {
  const id = clean(headers['x-fission-request-id'] ?? headers['x-request-id']);
  if (id === '') return null;
  const [, trace, flags] = /^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/.exec(headers.traceparent ?? '') ?? [];
  const sampled = trace !== undefined && (Number.parseInt(flags, 16) & 1) === 1;
  return {
    text: sampled ? `[req ${id} trace ${trace}]` : `[req ${id}]`,
    json: sampled ? `{"request_id":"${id}","trace_id":"${trace}",` : `{"request_id":"${id}",`,
  };
}

/** An id without what could end a tag or a line. */
function clean(id) {
  return typeof id === 'string' ? id.slice(0, MAX_ID).replace(/[^A-Za-z0-9._:=/+-]/g, '_') : '';
}

/** Each line of the text with its tag; those after the first are marked as continuing it. */
function tagged(text, tag, continues) {
  const end = text.endsWith('\n') ? '\n' : '';
  const lines = (end ? text.slice(0, -1) : text).split('\n');
  return lines.map((line, i) => (i === 0 && continues ? line : tagLine(line, tag, i > 0))).join('\n') + end;
}

function tagLine(line, tag, more) {
  if (line.startsWith('{"') && line.endsWith('}')) return tag.json + line.slice(1);
  return `${tag.text}${more ? '+' : ' '}${line}`;
}

module.exports = { tagOutputs, during };
