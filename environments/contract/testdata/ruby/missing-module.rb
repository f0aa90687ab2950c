require 'gone'

def handler
  Gone.name
end
