// Answers with the request's body as it comes.
module.exports = async ({ request }) => ({ status: 200, body: request });
module.exports.config = { bodyParser: false };
