# frozen_string_literal: true

require_relative 'connection'
require_relative 'input'

module Hotpod
  # Connections, one thread each, and draining: the queue-proxy keeps few connections, one for each request that a pod
  # may have at a time. The block answers requests: it gets a Head and an Input and returns an Answer.
  class Server
    def initialize(settings, &handle)
      @settings = settings
      @handle = handle
      @changed = Monitor.new # Guards the three below.
      @change = @changed.new_cond
      @idle = {}
      @busy = {}
      @draining = false
      @listener = TCPServer.new(settings.host, settings.port)
      @listener.listen(1024)
    end

    # Begins to accept; returns at once.
    def start
      Thread.new { accept }
    end

    # Stops listening, closes idle connections and returns after the last answer.
    def drain
      @changed.synchronize do
        @draining = true
        @listener.close
        @idle.each_key(&:wake)
        @change.wait_until { @idle.empty? && @busy.empty? }
      end
    end

    private

    def accept
      loop do
        socket = @listener.accept
        Thread.new { serve(Connection.new(socket)) }
      rescue IOError
        return
      rescue SystemCallError
        return if @draining
      end
    end

    def serve(connection)
      nil while wait(connection) && one(connection)
    rescue ConnectionOver
      nil
    ensure
      connection.close
      @changed.synchronize do
        @idle.delete(connection)
        @busy.delete(connection)
        @change.broadcast
      end
    end

    # Marks a connection as idle; false when it shall close instead.
    def wait(connection)
      @changed.synchronize do
        @busy.delete(connection)
        @idle[connection] = true unless @draining
        !@draining
      end
    end

    # Serves one request; false when the connection is done.
    def one(connection)
      head = connection.next_head or return false
      @changed.synchronize do
        @idle.delete(connection)
        @busy[connection] = true
      end
      respond(connection, head, @handle.call(head, Input.new(connection.body, @settings.body_limit)))
    rescue HTTPError => e
      known = !head.nil? && e.status == 413 && head.keep_alive? && !@draining
      connection.answer(head, Answer.text(e.status, "#{e.message}\n"), known)
    end

    def respond(connection, head, answer)
      connection.answer(head, answer, head.keep_alive? && !@draining)
    rescue InvalidHeader => e
      warn "function error: #{e.message}"
      connection.answer(head, Answer.text(500, "Internal server error: #{e.message}\n"), head.keep_alive? && !@draining)
    rescue ConnectionOver
      raise
    rescue StandardError => e
      warn "function error while streaming: #{e.full_message(highlight: false)}"
      raise ConnectionOver
    end
  end
end
