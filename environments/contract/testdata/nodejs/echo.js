// Says what the request was, as JSON.
module.exports = async ({ request }) => ({
  status: 200,
  body: {
    method: request.method,
    path: request.path,
    query: request.query,
    headers: request.headers,
    body: request.rawBody ? request.rawBody.toString('base64') : '',
  },
});
