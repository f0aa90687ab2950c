# frozen_string_literal: true

require_relative 'http1'

module Hotpod
  # The client went away, or a function failed in the middle of its answer: the connection is over.
  class ConnectionOver < StandardError; end

  # A request's body on its connection: nothing is read before it is asked for.
  class RequestBody
    PIECE = 64 * 1024

    # What is known to come: of the body, or of its current chunk.
    attr_reader :left

    def initialize(connection, head)
      @connection = connection
      @chunked = head.length.nil?
      @left = head.length || 0
      @done = !@chunked && @left.zero?
      @waits = head.expects_continue? && !@done
    end

    # Whether the client still waits for a 100 before it sends the body.
    def waits? = @waits

    # Tells a client that waits to send the body.
    def proceed
      @connection.continue if @waits
      @waits = false
    end

    # The next bytes, at most a PIECE of them; nil at the end.
    def some
      return nil if @done

      proceed
      return nil if @chunked && @left.zero? && !next_chunk

      piece = @connection.some([@left, PIECE].min)
      @left -= piece.bytesize
      end_of_chunk if @left.zero?
      piece
    rescue HTTPError, ConnectionOver
      @broken = true
      raise
    end

    # Reads away what nobody asked for, up to most bytes; whether another request can follow.
    def discard(most)
      return false if @waits || @broken

      while most.positive? && (piece = some)
        most -= piece.bytesize
      end
      @done
    rescue HTTPError, ConnectionOver
      false
    end

    private

    def end_of_chunk
      if @chunked
        raise HTTPError.new(400, 'malformed chunk') unless @connection.line.empty?
      else
        @done = true
      end
    end

    def next_chunk
      size = @connection.line.split(';', 2).first.to_s.strip
      raise HTTPError.new(400, 'malformed chunk') unless size.match?(/\A\h{1,15}\z/)

      @left = size.to_i(16)
      return true if @left.positive?

      nil until @connection.line.empty? # Trailers mean nothing to a function.
      @done = true
      false
    end
  end
end
