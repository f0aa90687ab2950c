require_relative 'lib'

def main
  "#{greeting} from main\n"
end

def other
  "#{greeting} from other\n"
end

alias handler main
