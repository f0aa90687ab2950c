# Prints a line, and answers only after /release.
RELEASE = Queue.new

def handler(context)
  if context.request.path == '/release'
    RELEASE.push(true)
    return ''
  end
  context.logger.info('with the logger')
  puts 'a line of the function'
  RELEASE.pop
  'printed'
end
