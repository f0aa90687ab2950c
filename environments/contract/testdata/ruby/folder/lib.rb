def greeting
  'hello'
end
