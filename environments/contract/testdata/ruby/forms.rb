# One method for each form of function.
def by_array(context)
  [202, { 'Content-Type' => 'text/plain', 'X-Form' => 'array' }, ['two ', 'pieces']]
end

def by_rack(context)
  request = context.request
  text = [request.params['a'], request.params['b'], request.path_params['id'], request.cookies['c'], request.headers['User-Agent']].join(' ')
  Rack::Response.new([text]).finish
end

def by_hash(context)
  { parsed: context.request.json['a'] }
end

def number
  42
end

def file(context)
  [200, {}, File.open(__FILE__)]
end

def bad_header(context)
  [200, { 'X-A' => "a\r\nb" }, []]
end

# Reads the body's first line and the rest in pieces, and all of it again.
def again(context)
  input = context.request.body
  sizes = [input.gets.to_s.bytesize]
  sizes << input.readpartial(1000).bytesize until input.eof?
  input.rewind
  "#{sizes.sum} #{input.read.bytesize} #{input.read.inspect} #{input.read(1).inspect} #{input.string.bytesize}"
end
