# Says what the request was, as JSON.
def handler(context)
  request = context.request
  {
    method: request.request_method,
    path: request.path,
    query: request.GET,
    headers: request.headers.transform_keys(&:downcase),
    body: [request.body.read].pack('m0')
  }
end
