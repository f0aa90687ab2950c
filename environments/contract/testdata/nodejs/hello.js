module.exports = async () => ({ status: 200, body: 'Hello, world!\n' });
