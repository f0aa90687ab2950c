// Fails when it is called, but not at /fine.
module.exports = async ({ request }) => {
  if (request.path === '/fine') return { status: 200, body: 'fine' };
  return explode();
};

function explode() {
  throw new Error('boom at call');
}
