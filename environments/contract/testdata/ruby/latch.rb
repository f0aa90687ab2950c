# A call of /release ends the oldest call of /wait; /count says how many wait.
WAITING = []

def handler(context)
  case context.request.path
  when '/count' then WAITING.size.to_s
  when '/release'
    WAITING.shift.push(true)
    'released'
  else
    latch = Queue.new
    WAITING.push(latch)
    latch.pop
    'waited'
  end
end
