# Fails when it is called, but not at /fine.
def handler(context)
  context.request.path == '/fine' ? 'fine' : explode
end

def explode
  raise 'boom at call'
end
