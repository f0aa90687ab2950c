// Answers with the request's body, byte for byte.
module.exports = async ({ request }) => ({
  status: 200,
  body: request.rawBody,
  headers: { 'Content-Type': 'application/octet-stream' },
});
