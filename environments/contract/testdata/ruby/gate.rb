# Says that it is reached by one file, and answers when another exists.
def handler
  gate = ENV.fetch('CONTRACT_GATE')
  File.write("#{gate}.reached", '')
  sleep 0.005 until File.exist?(gate)
  'through the gate'
end
