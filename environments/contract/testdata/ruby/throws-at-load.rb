def prepare
  raise 'boom at load'
end

prepare
