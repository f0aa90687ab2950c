# Answers with the request's body as it comes.
def handler(context)
  input = context.request.body
  pieces = Enumerator.new { |to| to << input.readpartial(1 << 16) until input.eof? }
  [200, { 'Content-Type' => 'application/octet-stream' }, pieces]
end
