// Streams `first`, then, after a call of /release, `second`; /broken fails in between.
const { Readable } = require('node:stream');

let release;

async function* pieces(broken) {
  yield 'first\n';
  await new Promise((resolve) => { release = resolve; });
  if (broken) throw new Error('broken in the middle');
  yield 'second\n';
}

module.exports = async ({ request }) => {
  if (request.path === '/release') {
    release();
    return { status: 200, body: 'released' };
  }
  return { status: 200, body: Readable.from(pieces(request.path === '/broken')), headers: { 'Content-Type': 'text/plain' } };
};
