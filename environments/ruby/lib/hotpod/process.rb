# frozen_string_literal: true

require 'monitor'
require_relative 'runtime'
require_relative 'server'
require_relative 'settings'
require_relative 'tags'

module Hotpod
  # The main thread: it starts the server, waits for signals and for functions that exit, and ends in order.
  class Process
    def initialize(env)
      @env = env
      @ends = Queue.new
      $stdout.sync = $stderr.sync = true
      Tags.install
      # Last, so that a rack that comes with the function or with the image wins over the stand-in.
      $LOAD_PATH.push(File.expand_path('../standin', __dir__))
    end

    # Runs until the end; returns the exit status.
    def run
      settings = Settings.new(@env)
      runtime = Runtime.new(settings, method(:leave))
      server = Server.new(settings) { |head, input| runtime.handle(head, input) }
      %w[TERM INT].each { |signal| trap(signal) { @ends.push(nil) } }
      server.start
      status = @ends.pop
      server.drain if status.nil?
      status || 0
    rescue ArgumentError => e
      complain(e, 2)
    rescue SystemCallError, SocketError => e
      complain(e, 1)
    end

    private

    # Ends the process for the function of the calling thread, which does not go on.
    def leave(status)
      @ends.push(status)
      sleep
    end

    def complain(err, status)
      warn "ruby runtime: #{err.message}"
      status
    end
  end
end
