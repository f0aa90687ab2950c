# frozen_string_literal: true

# Entry point of the Ruby runtime: listens, loads one function, serves it, ends in order on SIGTERM.

require_relative 'lib/hotpod/process'

exit Hotpod::Process.new(ENV).run
