# Takes orders: POST /orders/{id}?customer=NAME with a list of items.
#
# It shows what a function can use: the path's parameters, query, headers and body of the request, environment variables, a
# ConfigMap and a Secret as files, and code of its own in another file.

require 'openssl'
require_relative 'pricing'

CONFIG = ENV.fetch('SETTINGS_DIR', '/configs/default/shop')
SECRETS = ENV.fetch('SECRETS_DIR', '/secrets/default/shop')

def handler(context)
  request = context.request
  items = request.json['items'].to_a
  return reply(400, error: 'an order needs items') if items.empty?

  order = request.path_params['id']
  reply(201,
        order: order,
        customer: request.params['customer'],
        source: request.headers['X-Request-Source'],
        currency: ENV.fetch('CURRENCY', 'EUR'),
        total: Pricing.total(items, read(CONFIG, 'discount').to_f),
        signature: OpenSSL::HMAC.hexdigest('SHA256', read(SECRETS, 'key'), order))
rescue KeyError => e
  reply(400, error: e.message)
end

def reply(status, value)
  [status, { 'Content-Type' => 'application/json' }, [JSON.generate(value)]]
end

def read(folder, name)
  file = File.join(folder, name)
  File.exist?(file) ? File.read(file).strip : ''
end
