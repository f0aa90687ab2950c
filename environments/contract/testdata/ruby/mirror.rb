# Answers with the request's body, byte for byte.
require 'rack'

def handler(context)
  Rack::Response.new([context.request.body.read], 200, 'Content-Type' => 'application/octet-stream')
end
