'use strict';

const assert = require('node:assert');
const { test } = require('node:test');
const { readSettings } = require('../lib/settings');

test('binds to every address on 8888 unless told otherwise', () => {
  const { host, port, codePath, bodyLimit } = readSettings([], {});
  assert.deepStrictEqual({ host, port, codePath, bodyLimit }, { host: '0.0.0.0', port: 8888, codePath: '/userfunc/user', bodyLimit: 64 * 1024 ** 2 });
});

test('takes the arguments of the image of Fission', () => {
  const { port, codePath } = readSettings(['--port=9000', '--codepath', '/code'], {});
  assert.deepStrictEqual({ port, codePath }, { port: 9000, codePath: '/code' });
});

test('takes the address from the environment before the arguments', () => {
  const cases = { '127.3.2.1:80': ['127.3.2.1', 80], '[::1]:81': ['::1', 81], ':82': ['0.0.0.0', 82] };
  for (const [address, [host, port]] of Object.entries(cases)) {
    const settings = readSettings(['--port', '1'], { HOTPOD_RUNTIME_ADDRESS: address });
    assert.deepStrictEqual([settings.host, settings.port], [host, port]);
  }
});

test('names the variable that it cannot use', () => {
  assert.throws(() => readSettings([], { HOTPOD_RUNTIME_ADDRESS: 'host:70000' }), /HOTPOD_RUNTIME_ADDRESS/);
  assert.throws(() => readSettings([], { BODY_PARSER_LIMIT: '1 apple' }), /BODY_PARSER_LIMIT/);
});
