// One export for each form that a function may have.
const { Readable } = require('node:stream');

exports.callback = (context, callback) => callback(201, 'by callback', { 'X-Form': 'callback' });
exports.later = (context, callback) => { setTimeout(() => callback(200, 'later'), 1); };
exports.noArguments = async () => ({ body: 'no arguments' });
exports.sync = () => ({ status: 200, body: 'sync' });
exports.text = () => 'just text';
exports.object = () => ({ just: 'an object' });
exports.buffer = () => ({ status: 200, body: Buffer.from([0, 255]) });
exports.bytes = () => ({ status: 200, body: new Uint8Array([1, 254]) });
exports.readable = () => ({ status: 200, body: Readable.from(['a', 'b']) });
exports.response = ({ response }) => { response.status(202).set('X-Form', 'response').json({ by: 'response' }); };
exports.slowResponse = (context, callback) => { setTimeout(() => context.response.send('slow response'), 1); void callback; };
exports.redirect = ({ response }) => { response.redirect('/elsewhere'); };
exports.body = ({ request }) => ({ status: 200, body: { type: typeof request.body, body: request.body } });
exports.params = ({ request }) => ({ status: 200, body: { params: request.params, url: request.originalUrl, host: request.hostname } });
exports.rejects = () => Promise.reject(new Error('rejected'));
exports.throwsSync = () => { throw new Error('thrown at once'); };
exports.throwsText = async () => { throw 'only text'; };
exports.throwsInCallback = (context, callback) => { setTimeout(() => { throw new Error('thrown in a timer'); }, 1); void callback; };
exports.badHeader = () => ({ status: 200, body: 'x', headers: { 'X-A': 'a\r\nX-B: b' } });
exports.badStatus = () => ({ status: 'nonsense', body: 'x' });
exports.wrongLength = () => ({ status: 200, body: 'right', headers: { 'Content-Length': '99' } });
exports.assigns = ({ request }) => { request.query = { a: 'changed' }; return request.query; };

// One process serves them all: the query names the form.
exports.one = (context) => exports[context.request.query.form](context);
exports.two = (context, callback) => exports[context.request.query.form](context, callback);
