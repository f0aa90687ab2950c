// Prints a line, and answers only after /release.
let release;

module.exports = async ({ request }) => {
  if (request.path === '/release') {
    release();
    return { status: 200, body: '' };
  }
  console.log('a line of the function');
  await new Promise((resolve) => { release = resolve; });
  return { status: 200, body: 'printed' };
};
