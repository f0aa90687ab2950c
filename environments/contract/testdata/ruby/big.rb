# Answers with as many bytes as the query asks for.
def handler(context)
  'x' * context.request.params['bytes'].to_i
end
