def handler(_context); end
