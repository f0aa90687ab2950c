// A call of /release ends the oldest call of /wait; /count says how many wait.
const waiting = [];

module.exports = async ({ request }) => {
  if (request.path === '/count') return { status: 200, body: String(waiting.length) };
  if (request.path === '/release') {
    waiting.shift()();
    return { status: 200, body: 'released' };
  }
  await new Promise((resolve) => waiting.push(resolve));
  return { status: 200, body: 'waited' };
};
