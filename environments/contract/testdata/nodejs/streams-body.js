// Counts the bytes of a body that it reads itself, beyond the parser's limit.
module.exports = async ({ request }) => {
  let size = 0;
  for await (const chunk of request) size += chunk.length;
  return { status: 200, body: `${size} ${request.body}` };
};

module.exports.config = { bodyParser: false };
