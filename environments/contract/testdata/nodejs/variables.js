const { execFileSync } = require('node:child_process');

// Read at load, so that it tells whether the variables were there by then.
const { GREETING, REPLACED } = process.env;

module.exports = async () => ({
  body: [GREETING, REPLACED, execFileSync('printenv', ['GREETING']).toString().trim()].join('|'),
});
