// Says that it is reached by one file, and answers when another exists.
const fs = require('node:fs');

module.exports = async () => {
  const gate = process.env.CONTRACT_GATE;
  fs.writeFileSync(`${gate}.reached`, '');
  while (!fs.existsSync(gate)) await new Promise((resolve) => { setTimeout(resolve, 5); });
  return { status: 200, body: 'through the gate' };
};
