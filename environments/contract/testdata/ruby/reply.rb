# Answers with the status that the query asks for, two cookies and a header.
require 'rack'

def handler(context)
  response = Rack::Response.new("as asked\n", context.request.params['status'].to_i, 'X-Custom' => 'yes')
  response.set_cookie('a', '1')
  response.set_cookie('b', '2')
  response
end
