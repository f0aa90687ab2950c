const gone = require('gone');

module.exports = async () => ({ status: 200, body: gone.name });
