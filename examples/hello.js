// Answers every request with a greeting.
module.exports = async () => ({ status: 200, body: 'Hello, world!\n' });
