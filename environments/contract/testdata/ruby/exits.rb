def handler
  puts 'leaving'
  exit 7
end
