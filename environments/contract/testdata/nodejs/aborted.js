// /wait waits for its client to go away; /count says how many did.
let gone = 0;

module.exports = async ({ request }) => {
  if (request.path === '/count') return { status: 200, body: String(gone) };
  await new Promise((resolve) => request.signal.addEventListener('abort', resolve));
  gone += 1;
  return { status: 200, body: '' };
};
