'use strict';

// Takes orders: POST /orders/{id}?customer=NAME with a list of items.
//
// It shows what a function can use: the path's parameters, query, headers and body of the request, environment variables, a
// ConfigMap and a Secret as files, and code of its own in another file.

const { createHmac } = require('node:crypto');
const fs = require('node:fs');
const { total } = require('./pricing');

const CONFIG = process.env.SETTINGS_DIR || '/configs/default/shop';
const SECRETS = process.env.SECRETS_DIR || '/secrets/default/shop';

module.exports = async ({ request }) => {
  const { items } = request.body;
  if (!items?.length) return { status: 400, body: { error: 'an order needs items' } };
  try {
    return {
      status: 201,
      body: {
        order: request.params.id,
        customer: request.query.customer,
        source: request.get('X-Request-Source'),
        currency: process.env.CURRENCY || 'EUR',
        total: total(items, Number(read(CONFIG, 'discount'))),
        signature: createHmac('sha256', read(SECRETS, 'key')).update(request.params.id).digest('hex'),
      },
    };
  } catch (err) {
    if (err instanceof RangeError) return { status: 400, body: { error: err.message } };
    throw err;
  }
};

function read(folder, name) {
  const file = `${folder}/${name}`;
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim() : '';
}
