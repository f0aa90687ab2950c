// Answers with the size of the body, which it reads as it comes.
module.exports = async ({ request }) => {
  let count = 0;
  for await (const piece of request) count += piece.length;
  return String(count);
};
module.exports.config = { bodyParser: false };
