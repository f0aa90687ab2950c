// Echoes messages, and shares those that begin with "all" with everybody who is connected.
module.exports = async (ws, clients) => {
  ws.on('message', (data, isBinary) => {
    const text = data.toString();
    if (text === 'fail') throw new Error('failed in a message');
    if (text === 'count') ws.send(String(clients.size));
    else if (text === 'leave') ws.close(4001, 'as asked');
    else if (text.startsWith('all')) clients.forEach((client) => client.send(text));
    else ws.send(data, { binary: isBinary });
  });
  ws.on('close', (code) => console.log(`closed with ${code}`));
  if (ws.request.url === '/fails') throw new Error('failed at once');
};
