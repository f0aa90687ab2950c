def handler
  = 5
end
