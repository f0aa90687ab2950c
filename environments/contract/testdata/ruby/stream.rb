# Streams `first`, then, after a call of /release, `second`; /broken fails in between.
RELEASE = Queue.new

def handler(context)
  if context.request.path == '/release'
    RELEASE.push(true)
    return 'released'
  end
  broken = context.request.path == '/broken'
  [200, { 'Content-Type' => 'text/plain' }, pieces(broken)]
end

def pieces(broken)
  Enumerator.new do |to|
    to << "first\n"
    RELEASE.pop
    raise 'broken in the middle' if broken

    to << "second\n"
  end
end
