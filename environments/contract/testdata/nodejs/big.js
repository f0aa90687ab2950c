// Answers with as many bytes as the query asks for.
module.exports = async ({ request }) => ({ status: 200, body: Buffer.alloc(Number(request.query.bytes), 'x') });
