const { greeting } = require('./lib');

exports.main = async () => ({ status: 200, body: `${greeting} from main\n` });
exports.other = async () => ({ status: 200, body: `${greeting} from other\n` });
exports.default = exports.main;
