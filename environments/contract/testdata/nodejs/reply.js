// Answers with the status that the query asks for, two cookies and a header.
module.exports = async ({ request }) => ({
  status: Number(request.query.status),
  body: 'as asked\n',
  headers: { 'X-Custom': 'yes', 'Set-Cookie': ['a=1', 'b=2'], 'Content-Type': 'text/plain' },
});
